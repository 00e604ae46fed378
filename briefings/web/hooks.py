"""What machines call: the one-click unsubscription of RFC 8058, and the notices of mail providers."""

from __future__ import annotations

import logging
from collections import Counter
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Header, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response

from briefings.adapters import ses, signed_notices, sns
from briefings.domain.notices import TOO_EARLY
from briefings.web.views import Briefings, View

log = logging.getLogger(__name__)
routes = APIRouter()


async def _body(request: Request) -> bytes:
    """The bytes over which a signature is made; the app's limit holds for them."""
    return await request.body()


Body = Annotated[bytes, Depends(_body)]


@routes.post("/u/{token}")
def unsubscribe(
    token: str, app: Briefings, view: View, one_click: Annotated[str, Form(alias="List-Unsubscribe")] = ""
) -> Response:
    """End the mails. The mail provider's POST and the page's button differ in the answer that they get, and only
    the button is followed by a receipt.

    The token is the whole permission: a provider sends no cookie and follows no redirect.
    """
    subscriber = app.subscribing.unsubscribe(token, app.clock())
    if one_click:
        return PlainTextResponse("You are unsubscribed.\n")
    app.subscribing.say_goodbye(subscriber.id, app.clock())
    app.doorbell.ring("deliver")
    return view.page("left.html", token=token, can_return=bool(subscriber.address))


@routes.post("/hooks/ses")
def notice_of_ses(body: Body, app: Briefings) -> Response:
    """What Amazon SES publishes through SNS. An envelope that is not believed has no effect (403)."""
    envelope = app.ses_topics.open(body)
    if envelope.Type == sns.CONFIRMATION:
        app.ses_topics.confirm(envelope)
        return _answer(Counter())
    if envelope.Type != sns.NOTIFICATION:
        log.warning("Amazon SNS posts %r of the topic %s; nothing is done", envelope.Type, envelope.TopicArn)
        return _answer(Counter())
    notice = ses.read(envelope.Message, envelope.MessageId, app.settings.sender.domain)
    return _answer(app.record([notice] if notice else []))


@routes.post("/hooks/notices")
def notices_of_a_provider(
    body: Body,
    app: Briefings,
    moment: Annotated[str, Header(alias="Briefings-Timestamp")] = "",
    signature: Annotated[str, Header(alias="Briefings-Signature")] = "",
) -> Response:
    """A signed list of notices in our own form. One that is not believed has no effect (403)."""
    secret, domain = app.settings.notices_secret, app.settings.sender.domain
    return _answer(app.record(signed_notices.read(secret, moment, signature, body, domain, app.clock())))


def _answer(words: Counter[str]) -> Response:
    """How many notices were what. One that came too early asks for all once more, which does no harm."""
    early = TOO_EARLY in words
    return JSONResponse(dict(words), HTTPStatus.SERVICE_UNAVAILABLE if early else HTTPStatus.OK)
