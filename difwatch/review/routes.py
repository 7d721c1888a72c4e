"""The addresses of the page, each with what answers it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from difwatch.errors import DifwatchError, IncompleteError, StoreBusyError, UsageError
from difwatch.review.answers import Answers
from difwatch.review.changes import Changes
from difwatch.review.events import Events
from difwatch.review.reading import UnknownError
from difwatch.review.static_files import File
from difwatch.review.views import CannotShowError, ChangedError

_STATUS: Mapping[type[DifwatchError], int] = {
    UnknownError: 404,
    ChangedError: 409,
    IncompleteError: 409,
    CannotShowError: 415,
    UsageError: 400,
    StoreBusyError: 503,
}
_FOR_EVER = "private, max-age=31536000, immutable"

Endpoint = Callable[[Request], Awaitable[Response]]


def application(
    answers: Answers,
    changes: Changes,
    events: Events,
    files: Mapping[str, File],
    start: Callable[[], dict[str, Any]],
    is_read_only: bool,
) -> Starlette:
    """Return the application.

    Parameters
    ----------
    answers, changes
        What is told and what is done.
    events
        What happens.
    files
        The page itself, by name.
    start
        What a page needs to begin.
    is_read_only
        Whether nothing may be changed.
    """
    told = {
        "/api/start": lambda _: start(),
        "/api/status": lambda _: answers.status(),
        "/api/rows": lambda request: answers.rows(dict(request.query_params)),
        "/api/group/{key}": lambda request: answers.group(request.path_params["key"]),
        "/api/pair/{first}/{second}": lambda request: answers.pair(**request.path_params),
        "/api/unreadable": lambda _: answers.unreadable(),
        "/api/history": lambda _: changes.history(),
    }
    done = {
        "decide": changes.decide,
        "stage": changes.stage,
        "plan": changes.plan,
        "apply": changes.apply,
        "stop": changes.stop,
        "undo": changes.undo,
        "retry": changes.retry,
        "reveal": changes.reveal,
    }
    app = Starlette(
        routes=[
            Route("/", _file(files, "index.html")),
            Route("/favicon.ico", _nothing),  # browsers ask for it, and complain where there is none
            Route("/static/{name}", _file(files)),
            Route("/api/picture/{ref}/{size}", _picture(answers)),
            Route("/api/events", _stream(events)),
            *(Route(path, _told(answer)) for path, answer in told.items()),
            *(Route(f"/api/{name}", _done(act, is_read_only), methods=["POST"]) for name, act in done.items()),
        ],
        exception_handlers={404: _unknown, 405: _unknown, Exception: _unexpected},
    )
    app.router.redirect_slashes = False  # the way there would be made of what was asked for
    return app


def _file(files: Mapping[str, File], name: str | None = None) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        file = files.get(name or request.path_params["name"])
        return Response(file.content, media_type=file.kind) if file else _said(404, "nothing is at this address")

    return endpoint


def _picture(answers: Answers) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        named, query = request.path_params, dict(request.query_params)
        try:
            content, kind = await run_in_threadpool(answers.picture, named["ref"], named["size"], query)
        except DifwatchError as error:
            return _failed(error)
        return Response(content, media_type=kind, headers={"cache-control": _FOR_EVER})

    return endpoint


def _stream(events: Events) -> Endpoint:
    async def endpoint(_request: Request) -> Response:
        return StreamingResponse(events.stream(), media_type="text/event-stream")

    return endpoint


def _told(answer: Callable[[Request], Any]) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        try:
            return _json(await run_in_threadpool(answer, request))
        except DifwatchError as error:
            return _failed(error)

    return endpoint


def _done(act: Callable[[Mapping[str, Any]], Any], is_read_only: bool) -> Endpoint:
    async def endpoint(request: Request) -> Response:
        if is_read_only:
            return _said(405, "this page was opened to look only (--read-only)")
        try:
            given = json.loads(await request.body())
        except (ValueError, RecursionError):
            return _said(400, "this is no JSON")
        except ClientDisconnect:
            return _said(400, "this was not said to its end")
        if not isinstance(given, dict):
            return _said(400, "an object is expected")
        try:
            return _json(await run_in_threadpool(act, given))
        except DifwatchError as error:
            return _failed(error)

    return endpoint


async def _unexpected(_request: Request, _error: Exception) -> Response:
    return _said(500, "this is a mistake of difwatch; what it printed says more")


async def _nothing(_request: Request) -> Response:
    return Response(status_code=204)


async def _unknown(_request: Request, _error: Exception) -> Response:
    return _said(404, "nothing is at this address")


def _failed(error: DifwatchError) -> Response:
    status = next((number for kind, number in _STATUS.items() if isinstance(error, kind)), 500)
    return _said(status, str(error))


def _said(status: int, why: str) -> Response:
    return _json({"error": why}, status)


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type="application/json")
