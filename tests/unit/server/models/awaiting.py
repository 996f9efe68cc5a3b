# ruff: noqa: N803 - arguments as users of Seldon name them
"""Classes whose methods are async."""

import asyncio


class Opens:
    """Opens in `load` what its other methods use, all in one event loop."""

    async def load(self):
        self.opened = asyncio.get_running_loop()
        self.inbox = asyncio.Queue()
        self.echoing = asyncio.create_task(self._echo())
        await asyncio.sleep(0)

    async def _echo(self):
        while True:
            value, answer = await self.inbox.get()
            answer.set_result(value)

    async def predict(self, X, names):
        if asyncio.get_running_loop() is not self.opened:
            raise RuntimeError("another loop")
        answer = self.opened.create_future()
        await self.inbox.put((X, answer))
        return await answer

    async def health_status(self):
        await asyncio.sleep(0)
        return "well" if asyncio.get_running_loop() is self.opened else "lost"

    async def init_metadata(self):
        return {"name": "opened"}


class FailsToOpen(Opens):
    async def load(self):
        await asyncio.sleep(0)
        raise ConnectionError("the feature store is away")


class RawLater:
    async def predict_raw(self, message):
        await asyncio.sleep(0)
        return {"strData": message["strData"] * 2}


class TagsLater:
    """Tags that await, of a method that does not."""

    def predict(self, X, names):
        return X

    async def tags(self):
        return {"later": 1}


class BothLater(TagsLater):
    async def predict(self, X, names):
        return X
