"""Requests drawn from a load: their lengths have the mean and deviation of the load, and a seed repeats them."""

from __future__ import annotations

from itertools import islice
from statistics import fmean, pstdev

import pytest

from replicas.load import Load, Trace, TracedRequest, requests


def test_lengths_have_the_mean_and_the_standard_deviation_of_the_load() -> None:
    load = Load(users=1, input_tokens=1000, input_stddev=700, output_tokens=200, output_stddev=150)
    drawn = list(islice(requests(load, 0), 40_000))
    inputs, outputs = ([request.input_tokens for request in drawn], [request.output_tokens for request in drawn])
    assert fmean(inputs) == pytest.approx(1000, rel=0.02)
    assert pstdev(inputs) == pytest.approx(700, rel=0.05)
    assert fmean(outputs) == pytest.approx(200, rel=0.02)
    assert pstdev(outputs) == pytest.approx(150, rel=0.05)
    # A lognormal length is skewed: its median is mean^2 / sqrt(mean^2 + stddev^2).
    assert sorted(inputs)[20_000] == pytest.approx(1000**2 / (1000**2 + 700**2) ** 0.5, rel=0.03)


def test_without_a_deviation_all_lengths_are_equal() -> None:
    drawn = list(islice(requests(Load(users=1, input_tokens=30, output_tokens=7), 5), 10))
    assert {(request.input_tokens, request.output_tokens) for request in drawn} == {(30, 7)}


def test_a_seed_gives_the_same_requests_whatever_sends_them() -> None:
    closed = Load(users=3, input_tokens=100, input_stddev=50, output_tokens=9)
    rate = Load(requests_per_second=2, input_tokens=100, input_stddev=50, output_tokens=9)
    assert list(islice(requests(closed, 4), 50)) == list(islice(requests(rate, 4), 50))
    assert list(islice(requests(closed, 4), 50)) != list(islice(requests(closed, 5), 50))


def test_the_part_that_prompts_share_does_not_vary() -> None:
    load = Load(users=1, input_tokens=500, input_stddev=300, shared_tokens=400, output_tokens=5)
    drawn = list(islice(requests(load, 0), 20_000))
    assert min(request.input_tokens for request in drawn) > 400
    assert fmean(request.input_tokens for request in drawn) == pytest.approx(500, rel=0.03)
    assert {request.segments for request in drawn} == {(("shared", 400),)}


def test_a_prompt_that_is_repeated_keeps_its_length() -> None:
    load = Load(users=1, input_tokens=500, input_stddev=300, output_tokens=50, output_stddev=20, distinct_prompts=5)
    drawn = list(islice(requests(load, 0), 500))
    assert len({request.prompt for request in drawn}) == 5
    assert len({(request.prompt, request.input_tokens) for request in drawn}) == 5
    assert len({request.output_tokens for request in drawn}) > 20


def test_requests_longer_than_the_endpoint_takes_are_cut_and_marked() -> None:
    load = Load(
        users=1,
        input_tokens=90,
        input_stddev=60,
        output_tokens=40,
        output_stddev=40,
        shared_tokens=80,
        distinct_prompts=50,
        max_input_tokens=100,
        max_total_tokens=150,
    )
    drawn = list(islice(requests(load, 0), 2000))
    assert max(request.input_tokens for request in drawn) == 100
    assert max(request.input_tokens + request.output_tokens for request in drawn) == 150
    assert min(request.output_tokens for request in drawn) >= 1
    assert all(sum(tokens for _, tokens in request.segments) <= request.input_tokens for request in drawn)
    assert 0 < sum(request.is_cut for request in drawn) < 2000


def test_the_requests_of_a_trace_are_those_that_were_recorded() -> None:
    trace = Trace((TracedRequest(0.0, 600, 5, (7, 8)), TracedRequest(2.5, 512, 3, (7,))))
    first, second = requests(Load.of_trace(trace), 0)
    assert (first.input_tokens, first.output_tokens) == (600, 5)
    assert first.segments == ((7, 512), (8, 88))
    assert second.segments == ((7, 512),)
