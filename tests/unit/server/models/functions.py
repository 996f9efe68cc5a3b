"""Predict functions as users write them."""

import asyncio
from pathlib import Path

import numpy as np


def answer_itself(model, request):
    return request


def add(model, request):
    return np.asarray(request) + (model or 0)


def halve(request):
    return np.asarray(request) / 2


def as_words(answer):
    return {"words": [f"it is {value}" for value in np.asarray(answer).ravel().tolist()]}


def fail(model, request):
    raise ValueError("three columns are wanted")


def leave(model, request):
    raise SystemExit(3)


class OutOfStock(Exception):
    status_code = 409
    reason = "OUT_OF_STOCK"
    message = "come again tomorrow"


def choose_the_status(model, request):
    raise OutOfStock


def answer_nothing(model, request):
    return None


def answer_by_name(model, request):
    answers = {"pair": (1, 2), "text": "word", "bytes": b"\x00\x01", "number": np.float64(1.5)}
    return answers[request]


def only_the_request(request):
    return request


async def later(model, request):
    await asyncio.sleep(0.01)
    return np.asarray(request) * 2


async def fail_later(model, request):
    await asyncio.sleep(0.01)
    raise KeyError("price")


def one_by_one(model, request):
    yield from request


def load_number(folder, file="number.txt", plus=0):
    return int(Path(folder, file).read_text()) + plus


def load_nothing(folder):
    raise RuntimeError("the weights are gone")


NUMBER = 3
