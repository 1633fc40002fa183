"""A time stamp server (RFC 3161): signs a digest with the sandbox's own time, by a certificate whose root it gives away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from itertools import count

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from fastapi import APIRouter, Request, Response

from sandbox.core import World

SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_CERTIFICATE = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4", "1.2.840.113549.1.9.16.2.47"
SHA256_OID, ECDSA_SHA256, OUR_POLICY = "2.16.840.1.101.3.4.2.1", "1.2.840.10045.4.3.2", "1.3.6.1.4.1.99999.1"
NONCE = 0x02
_serials = count(1)


def build(world: World) -> APIRouter:
    router = APIRouter(prefix="/tsa")

    @router.post("")
    async def stamp(request: Request) -> Response:
        body = await request.body()
        try:
            answer = stamped(body, at=world.clock.now())
        except (IndexError, ValueError):
            return Response("this is no time stamp request", 400, media_type="text/plain")
        return Response(answer, media_type="application/timestamp-reply")

    @router.get("/certificate")
    async def certificate() -> Response:
        return Response(_authority()[2].public_bytes(Encoding.PEM), media_type="application/x-pem-file")

    return router


@cache
def _authority() -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate, x509.Certificate]:
    """The server's key, its certificate and the root of that."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, name = _name("Sandbox root"), _name("Sandbox time stamps")
    root = _certificate(root_name, issuer=root_name, key=root_key, signer=root_key, is_root=True)
    return key, _certificate(name, issuer=root_name, key=key, signer=root_key, is_root=False), root


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    name: x509.Name,
    *,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    is_root: bool,
) -> x509.Certificate:
    made = x509.CertificateBuilder().subject_name(name).issuer_name(issuer).public_key(key.public_key())
    made = made.serial_number(x509.random_serial_number())
    made = made.not_valid_before(datetime(2000, 1, 1, tzinfo=UTC)).not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
    made = made.add_extension(x509.BasicConstraints(ca=is_root, path_length=None), critical=True)
    made = made.add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    made = made.add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    no = ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only", "decipher_only")
    usage = {**dict.fromkeys(no, False), "digital_signature": not is_root, "key_cert_sign": is_root, "crl_sign": is_root}
    made = made.add_extension(x509.KeyUsage(**usage), critical=True)
    if not is_root:
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return made.sign(signer, SHA256())


def stamped(request: bytes, *, at: datetime) -> bytes:
    """The answer to a request. Raises ValueError or IndexError for what is none."""
    (_, asked), *rest = _parts(request)
    if rest or request[0] != 0x30:
        raise ValueError("not one sequence")
    version, imprint, *more = _parts(asked)
    if version[0] != b"\x02\x01\x01" or imprint[0][0] != 0x30:
        raise ValueError("not version 1")
    nonce = b"".join(whole for whole, _ in more if whole[0] == NONCE)
    time = _tlv(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
    info = _sequence(_integer(1), _oid(OUR_POLICY), imprint[0], _integer(next(_serials)), time, nonce)
    token = _sequence(_oid(SIGNED_DATA), _tlv(0xA0, _signed_data(info)))
    return _sequence(_sequence(_integer(0)), token)


def _signed_data(info: bytes) -> bytes:
    key, own, _ = _authority()
    certificate = own.public_bytes(Encoding.DER)
    hashed = _sequence(_oid(SHA256_OID))
    attributes = _set(
        _sequence(_oid(CONTENT_TYPE), _set(_oid(TST_INFO))),
        _sequence(_oid(MESSAGE_DIGEST), _set(_octets(hashlib.sha256(info).digest()))),
        _sequence(
            _oid(SIGNING_CERTIFICATE), _set(_sequence(_sequence(_sequence(_octets(hashlib.sha256(certificate).digest())))))
        ),
    )
    # Signed as a SET, carried under a tag of its own.
    signature = key.sign(attributes, ec.ECDSA(SHA256()))
    issuer = _sequence(own.issuer.public_bytes(), _integer(own.serial_number))
    signer = _sequence(_integer(1), issuer, hashed, b"\xa0" + attributes[1:], _sequence(_oid(ECDSA_SHA256)), _octets(signature))
    content = _sequence(_oid(TST_INFO), _tlv(0xA0, _octets(info)))
    return _sequence(_integer(3), _set(hashed), content, _tlv(0xA0, certificate), _set(signer))


# DER, as far as it is needed here


def _tlv(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _set(*parts: bytes) -> bytes:
    return _tlv(0x31, b"".join(sorted(parts)))


def _octets(content: bytes) -> bytes:
    return _tlv(0x04, content)


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    content = bytearray([first * 40 + second])
    for number in rest:
        groups = [number & 0x7F]
        while number := number >> 7:
            groups.append(number & 0x7F | 0x80)
        content += bytes(reversed(groups))
    return _tlv(0x06, bytes(content))


def _parts(der: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Each element, whole and its content."""
    while der:
        size, begins = der[1], 2
        if size & 0x80:
            begins += size & 0x7F
            size = int.from_bytes(der[2:begins], "big")
        if len(der) < begins + size:
            raise ValueError("cut off")
        yield der[: begins + size], der[begins : begins + size]
        der = der[begins + size :]
