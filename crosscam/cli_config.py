"""`crosscam config check` and `crosscam config show`."""

from __future__ import annotations

import typer

from crosscam.cli_options import SITE_ARGUMENT, reported_errors

config_app = typer.Typer(help="Check or show the settings of a site.", no_args_is_help=True)


@config_app.command("check")
@reported_errors
def check_command(site_file: SITE_ARGUMENT) -> None:
    """Report every mistake in a site file: line, key, value, what was expected."""
    from config.load import load_site

    site = load_site(site_file)
    print(f"{site_file}: fine; site {site.site!r}, {len(site.cameras)} cameras")


@config_app.command("show")
@reported_errors
def show_command(site_file: SITE_ARGUMENT) -> None:
    """Print all settings, defaults included, without credentials."""
    from config.load import load_site
    from config.show import shown
    from streams.address import redacted

    print(shown(load_site(site_file), redacted), end="")
