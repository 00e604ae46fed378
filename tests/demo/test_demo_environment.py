from briefings.demo.run import Memory, environment
from briefings.settings import VARIABLES, Settings


def test_a_dot_env_file_of_ones_own_installation_is_not_for_the_demo(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(
        "BRIEFINGS_DATABASE_URL=postgresql+psycopg://db/real\nBRIEFINGS_SMTP_URL=smtp://real.example\n"
        "BRIEFINGS_BROKER_URL=redis://real\n"
    )
    (tmp_path / "secret.key").write_text("a-secret-key-of-the-tests-with-40-letters")
    given = environment(tmp_path, Memory(tmp_path / "demo.json"))
    for name in {variable.name for variable in VARIABLES} & given.keys():
        monkeypatch.setenv(name, given[name])
    settings = Settings.from_env()  # as each child of the demo reads them
    assert settings.database_url == f"sqlite:///{tmp_path / 'briefings.db'}"
    assert settings.relays[0].host == "127.0.0.1"
    assert settings.broker_url.startswith("redis+socket://")
    assert settings.caught_mail == tmp_path / "caught"
