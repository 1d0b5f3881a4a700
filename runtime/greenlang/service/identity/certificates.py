"""Certificates: the server's own, and those by which other services say who they are.

TLS proves that a peer holds a certificate of an authority that is believed; the names in it (its URIs and DNS
names, never its subject) say which service it is.
"""

from __future__ import annotations

__all__ = ["ServerCertificate", "names_in"]

import ssl
from asyncio import BaseTransport
from typing import Any

from greenlang.errors import InputError
from greenlang.service.identity.settings import TlsSettings

_NAMES = frozenset({"URI", "DNS"})


class ServerCertificate:
    """The context of TLS connections, whose files may be read again while it is used.

    Raises
    ------
    InputError
        If a file cannot be read, or is not what it has to be.
    """

    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.client_ca is not None:
            required = settings.client_certificates == "required"
            self.context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        self.load()

    def load(self) -> None:
        """Read the files again, for connections that begin from now on.

        An authority that was taken out of its file is believed until the next start.
        """
        settings = self._settings
        try:
            self.context.load_cert_chain(settings.certificate, settings.key)
            if settings.client_ca is not None:
                self.context.load_verify_locations(settings.client_ca)
        except (OSError, ssl.SSLError) as error:
            raise InputError(
                f"the certificates cannot be read: {error}",
                fix="name files in PEM: certificate, key, client_ca",
                place="tls",
            ) from error


def names_in(transport: BaseTransport) -> frozenset[str]:
    """The names in the certificate of a peer; none if it has shown none."""
    certificate: dict[str, Any] = transport.get_extra_info("peercert") or {}
    return frozenset(name for kind, name in certificate.get("subjectAltName", ()) if kind in _NAMES)
