"""Classes that look at how they are called over gRPC."""


class RawWire:
    """Answers whole messages, by protobuf's own, by a dict, and by none."""

    def predict_raw(self, message):
        message.strData = f"{type(message).__name__} {message.meta.puid}"
        return message

    def route_raw(self, message):
        return {"data": {"ndarray": [[1]]}, "status": {"code": 418, "status": "FAILURE"}}

    def aggregate_raw(self, messages):
        return None
