import json
import shutil

from click.testing import CliRunner

from briefings.cli import main
from briefings.embedded import free_port


def test_doctor_tells_which_relays_answer_and_no_password(tmp_path, migrated_sqlite, relay):
    shutil.copy(migrated_sqlite, tmp_path / "briefings.db")
    urls = f"smtp://127.0.0.1:{relay.port} smtps://ana:hush@127.0.0.1:{free_port()}?weight=3"
    environment = {
        "BRIEFINGS_HOME": str(tmp_path),
        "BRIEFINGS_SECRET_KEY": "k" * 40,
        "BRIEFINGS_SMTP_URL": urls,
        "COLUMNS": "200",
    }
    told = CliRunner().invoke(main, ["doctor"], env=environment)
    assert f"The relay 127.0.0.1:{relay.port} answers." in told.output
    assert ": ConnectionRefusedError" in told.output
    assert "hush" not in told.output

    relays = json.loads(CliRunner().invoke(main, ["doctor", "--json"], env=environment).output)["relays"]
    assert [line.endswith("answers") for line in relays] == [True, False]
    assert relay.accepted == []
