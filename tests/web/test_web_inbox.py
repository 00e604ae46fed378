from __future__ import annotations

import smtplib
import socket
from dataclasses import replace

import pytest
from web_world import Browser

from briefings.adapters import mail_catcher
from briefings.adapters.mail_catcher import MailCatcher
from briefings.bootstrap import App

HOSTILE = "<script>alert(1)</script>\u202e{{7*7}}"
MAIL = (
    b"From: Weekly Briefing <briefing@briefings.example>\r\nTo: ada@example.org\r\n"
    b"Subject: =?utf-8?q?%s?=\r\nDate: Mon, 23 Nov 2026 06:00:00 +0000\r\nList-ID: <weekly.briefings.example>\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n"
    b"--x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nThe text <b>part</b>\r\n"
    b"--x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    b"<html><head></head><body><script>1</script>Hello</body></html>\r\n--x--\r\n"
)


def put(app, subject="Week 5 of 12"):
    folder = app.settings.caught_mail
    folder.mkdir(exist_ok=True)
    encoded = "".join(f"={byte:02X}" for byte in subject.encode())
    return mail_catcher.keep(folder, "b+1@briefings.example", ["ada@example.org"], MAIL % encoded.encode())


def test_the_catcher_keeps_what_is_sent_with_its_envelope(app, browser):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    catcher = MailCatcher(app.settings.caught_mail, "127.0.0.1", port)
    catcher.start()
    try:
        with smtplib.SMTP("127.0.0.1", port) as relay:
            relay.sendmail("b+1@briefings.example", ["ada@example.org"], MAIL % b"Hello")
    finally:
        catcher.stop()
    mail = mail_catcher.caught(app.settings.caught_mail)[0]
    assert mail.source.startswith("X-Envelope-From: b+1@briefings.example\r\nX-Envelope-To: ada@example.org\r\n")
    assert (mail.kind, mail.subject, mail.recipient) == ("briefing", "Hello", "ada@example.org")
    assert "Hello" in browser.get("/inbox").text


def test_the_newest_mail_comes_first_and_leads_to_the_others(app, browser):
    older, newer = put(app, "The older"), put(app, "The newer")
    page = browser.get("/inbox").text
    assert page.index("The newer") < page.index("The older")
    assert f'href="/inbox/{older}"' in browser.get(f"/inbox/{newer}").text
    assert "2 of 2" in browser.get(f"/inbox/{older}").text


def test_an_empty_inbox_says_what_to_do(browser):
    assert "Nothing yet" in browser.get("/inbox").text


def test_a_mail_is_shown_as_html_on_a_phone_as_text_and_as_source(app, browser):
    mail_id = put(app)
    assert f'src="/inbox/{mail_id}/html"' in browser.get(f"/inbox/{mail_id}").text
    assert "stage phone" in browser.get(f"/inbox/{mail_id}?as=phone").text
    assert "The text &lt;b&gt;part&lt;/b&gt;" in browser.get(f"/inbox/{mail_id}?as=text").text
    assert "X-Envelope-From" in browser.get(f"/inbox/{mail_id}?as=source").text
    assert browser.get(f"/inbox/{mail_id}?as=pdf").status_code == 422


def test_the_framed_mail_can_run_and_post_nothing(app, browser):
    answer = browser.get(f"/inbox/{put(app)}/html")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert "frame-ancestors 'self'" in policy
    assert "script-src" not in policy
    assert "allow-scripts" not in policy


def test_a_hostile_subject_is_shown_as_text(app, browser):
    mail_id = put(app, HOSTILE)
    for page in ("/inbox", f"/inbox/{mail_id}", f"/inbox/{mail_id}?as=source"):
        text = browser.get(page).text
        assert "<script>" not in text
        assert "{{7*7}}" in text or page.endswith("source")
        assert "\u202e" not in text


@pytest.mark.parametrize(
    "mail_id", ["../secret", "..%2f..%2fsecret.key", "%2e%2e%2fbriefings.db", "x", "0" * 19 + "-0000000g", "%00"]
)
def test_no_id_leads_out_of_the_folder(app, browser, mail_id):
    put(app)
    assert browser.get(f"/inbox/{mail_id}").status_code == 404
    assert browser.get(f"/inbox/{mail_id}/html").status_code == 404


def test_files_that_are_no_mails_do_not_hurt(app, browser):
    put(app)
    folder = app.settings.caught_mail
    (folder / "1234567890123456789-00000000.eml").mkdir()
    (folder / "1234567890123456789-00000001.eml").write_bytes(b"\xff\x00 not a mail")
    (folder / "notes.txt").write_text("hello")
    (folder / "readme.eml").write_text("hello")
    assert len(mail_catcher.caught(folder)) == 2
    assert browser.get("/inbox").status_code == 200
    assert browser.get("/inbox/1234567890123456789-00000000").status_code == 404


def test_without_a_catcher_there_is_no_inbox(app):
    without = App(replace(app.settings, caught_mail=None), app.clock, app.catalogue, app.fetcher, app.doorbell)
    browser = Browser(without)
    assert browser.get("/inbox").status_code == 404
    assert 'href="/inbox"' not in browser.get("/").text
    browser.close()
