"""A stand-in for AWS KMS on loopback: the JSON protocol of the six calls we make, over real HTTP and real boto3.

It is not AWS: it checks no signature, knows no policies and loses its keys when it stops. What it keeps of KMS is what
the adapter relies on: ciphertext opens only with its key and encryption context, and a key whose deletion is scheduled
refuses at once.
"""

import base64
import json
import secrets
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import uuid4

import boto3
from botocore.config import Config
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from imaging.adapters.keys.kms import KmsMaster


class Refused(Exception):
    """An error of KMS; the text is its code."""


class FakeKms:
    """Keys, aliases, and a server that answers for them until it is stopped."""

    def __init__(self) -> None:
        self.keys: dict[str, bytes] = {}
        self.aliases: dict[str, str] = {}
        self.pending: set[str] = set()
        self.calls: list[str] = []
        self.failing = ""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_of(self))
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def client(self) -> object:
        """A boto3 client of this server."""
        return boto3.client(
            "kms", region_name="us-east-1", endpoint_url=f"http://127.0.0.1:{self._server.server_port}",
            aws_access_key_id="test", aws_secret_access_key="test",
            config=Config(connect_timeout=2, read_timeout=2, retries={"total_max_attempts": 1}),
        )  # fmt: skip

    def master(self, key: str = "alias/collimate-{tenant}") -> KmsMaster:
        """The adapter for this server."""
        return KmsMaster(self.client(), key)

    def stop(self) -> None:
        """No more answers."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, call: str, body: dict) -> dict:
        """What KMS says; raises `Refused`."""
        self.calls.append(call)
        if self.failing:
            raise Refused(self.failing)
        return getattr(self, f"_{call}")(body)

    def _CreateKey(self, body: dict) -> dict:
        key_id = str(uuid4())
        self.keys[key_id] = AESGCM.generate_key(256)
        return {"KeyMetadata": {"KeyId": key_id, "KeyState": "Enabled"}}

    def _CreateAlias(self, body: dict) -> dict:
        self.aliases[body["AliasName"]] = body["TargetKeyId"]
        return {}

    def _DescribeKey(self, body: dict) -> dict:
        key_id = self._resolve(body["KeyId"])
        return {
            "KeyMetadata": {"KeyId": key_id, "KeyState": "PendingDeletion" if key_id in self.pending else "Enabled"}
        }

    def _Encrypt(self, body: dict) -> dict:
        key_id, nonce = self._usable(body["KeyId"]), secrets.token_bytes(12)
        sealed = AESGCM(self.keys[key_id]).encrypt(nonce, base64.b64decode(body["Plaintext"]), _context(body))
        return {"CiphertextBlob": base64.b64encode(nonce + sealed).decode(), "KeyId": key_id}

    def _Decrypt(self, body: dict) -> dict:
        key_id, blob = self._usable(body["KeyId"]), base64.b64decode(body["CiphertextBlob"])
        try:
            secret = AESGCM(self.keys[key_id]).decrypt(blob[:12], blob[12:], _context(body))
        except (InvalidTag, ValueError):
            raise Refused("InvalidCiphertextException") from None
        return {"Plaintext": base64.b64encode(secret).decode(), "KeyId": key_id}

    def _ScheduleKeyDeletion(self, body: dict) -> dict:
        self.pending.add(self._resolve(body["KeyId"]))
        return {"KeyId": body["KeyId"]}

    def _resolve(self, name: str) -> str:
        key_id = self.aliases.get(name, name)
        if key_id not in self.keys:
            raise Refused("NotFoundException")
        return key_id

    def _usable(self, name: str) -> str:
        if (key_id := self._resolve(name)) in self.pending:
            raise Refused("KMSInvalidStateException")
        return key_id


def _context(body: dict) -> bytes:
    return json.dumps(body.get("EncryptionContext", {}), sort_keys=True).encode()


def _handler_of(kms: FakeKms) -> type[BaseHTTPRequestHandler]:
    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            try:
                self._send(200, kms.answer(self.headers["X-Amz-Target"].rsplit(".", 1)[1], body))
            except Refused as refusal:
                self._send(400, {"__type": str(refusal), "message": "refused"})

        def _send(self, status: int, content: dict) -> None:
            raw = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/x-amz-json-1.1")
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    return Answers
