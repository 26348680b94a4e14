"""Replay a profile's traffic against an OpenAI-compatible server: requests are sent when they are due.

    python replay_openai.py --url http://localhost:8000 --model MODEL --rate 5 --duration 60

Needs httpx. Prints how many answers came, their latency, and how late requests were sent.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
import warnings
from typing import Any

import httpx
import tracetide as tt


def prompt(tokens: int) -> str:
    """About as many tokens: a short word is one for most tokenizers."""
    return "tide " * tokens


async def send(client: httpx.AsyncClient, model: str, request: Any, results: list[dict[str, float]]) -> None:
    """Send one request, and note when its answer came; one that fails does not hold up the others."""
    begin = time.monotonic()
    body = {
        "model": model,
        "prompt": prompt(request.input_tokens),
        "max_tokens": max(request.output_tokens, 1),
        "ignore_eos": True,
    }
    try:
        (await client.post("/v1/completions", json=body)).raise_for_status()
        failed = 0
    except httpx.HTTPError:
        failed = 1
    results.append({"late": request.late, "latency": time.monotonic() - begin, "failed": failed})


async def replay(job: tt.Job, url: str, model: str, speed: float) -> list[dict[str, float]]:
    """Start a task for every request when it is due; wait for all answers."""
    results: list[dict[str, float]] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=1000)
    async with (
        httpx.AsyncClient(base_url=url, limits=limits, timeout=None) as client,
        asyncio.TaskGroup() as tasks,
    ):
        async for request in tt.pace_async(job, speed=speed):
            tasks.create_task(send(client, model, request, results))
    return results


def main() -> None:
    """Read the options, replay, and say what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--url", default="http://localhost:8000")
    parser.add_argument("--model", required=True)
    parser.add_argument("--profile", default="m-small")
    parser.add_argument("--rate", type=float, default=5)
    parser.add_argument("--duration", type=float, default=60)
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", tt.MissingDataWarning)
        job = tt.Job(
            tt.load(options.profile), rate=options.rate, duration=options.duration, seed=options.seed
        )
    results = asyncio.run(replay(job, options.url, options.model, options.speed))
    latencies = sorted(one["latency"] for one in results)
    print(
        json.dumps(
            {
                "requests": len(results),
                "failed": sum(one["failed"] for one in results),
                "latency_p50": latencies[len(latencies) // 2],
                "latency_p99": latencies[int(0.99 * (len(latencies) - 1))],
                "late_max": max(one["late"] for one in results),
            }
        )
    )


if __name__ == "__main__":
    main()
