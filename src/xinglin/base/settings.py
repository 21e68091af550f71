"""Settings of one installation, read from the environment with the prefix XINGLIN_."""

from functools import cache
from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What an operator may set. Without a database_url the embedded PostgreSQL in data_dir serves."""

    model_config = SettingsConfigDict(env_prefix="XINGLIN_", env_file=".env", extra="ignore")

    database_url: SecretStr | None = None
    data_dir: Path = Path("var")
    host: str = "127.0.0.1"
    port: int = 8000
    secret: SecretStr | None = None
    """Signs the CSRF cookie; made and kept in data_dir when not given."""
    secure_cookies: bool = False
    """On behind HTTPS: cookies are then never sent in the clear."""
    log_format: str = "console"
    log_level: str = "info"
    web_processes: int = Field(default=2, ge=1, le=64)
    """Processes that answer requests, one core each."""
    pool_size: int = 16
    """Connections to the database, shared out among the web processes."""
    session_hours: int = 12
    solve_seconds: int = 10
    sign_in_attempts_per_minute: int = 10


@cache
def settings() -> Settings:
    """The settings of this process, read once."""
    return Settings()
