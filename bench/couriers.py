"""`python -m bench.couriers deliver|post WORKERS COUNT` hands over so many messages, or posts as often, and prints the seconds it took.

`deliver` is what a scheduler's threads do: take, sign, post, note. `post` sends the same bytes through bare httpx, again and again.
"""

import itertools
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import httpx
from sqlmodel import col, select

from bench.scratch import NOW
from medcal.config import settings
from medcal.db import in_transaction
from medcal.models import Message
from medcal.services import webhooks
from medcal.services.delivery import deliver_all, handover_id
from medcal.services.notifications import words_of

WARM_UP = 20


Enough = Callable[[], bool]
Work = Callable[[Enough], None]


def deliverers(workers: int) -> list[Work]:
    return [lambda is_enough: deliver_all(is_enough, NOW)] * workers


def posters(workers: int) -> list[Work]:
    """Each with a client of its own, made beforehand: that alone takes as long as a hundred posts."""
    message = in_transaction(lambda db: db.exec(select(Message).order_by(col(Message.id)).limit(1)).one())
    words, url = words_of(message), settings().n8n_webhook_url or ""
    body = webhooks.payload(message, words.text, words.html)
    signed = webhooks.sign(settings().n8n_webhook_secret, handover_id(message), body, NOW)
    headers = signed | {"content-type": "application/json"}

    def post(client: httpx.Client, is_enough: Enough) -> None:
        while True:
            if client.post(url, content=body, headers=headers).status_code != 202:
                raise RuntimeError("a post was not taken")
            if is_enough():
                return

    return [partial(post, httpx.Client()) for _ in range(workers)]


def main(works: list[Work], count: int) -> None:
    _at_once(works, WARM_UP)
    began = time.perf_counter()
    _at_once(works, count)
    print(time.perf_counter() - began)


def _at_once(works: list[Work], count: int) -> None:
    """All stop with the one that makes it `count`, or soon after; a failure of any is a failure of the measurement."""
    done = itertools.count(len(works))
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(work, lambda: next(done) >= count) for work in works]
    for one in running:
        one.result()


if __name__ == "__main__":
    what, workers, count = sys.argv[1:]
    main({"deliver": deliverers, "post": posters}[what](int(workers)), int(count))
