"""Other processes that write to S3: how much memory they take, and what a kill leaves."""

import json
import subprocess
import sys
from pathlib import Path

from imaging.adapters.keys import FileKeyring
from imaging.adapters.s3 import S3Storage
from imaging.adapters.s3_part import PART_SIZE
from imaging.adapters.vault import Vault
from tests.imaging.adapters import s3_storages
from tests.imaging.adapters.vault_regions import TENANT_ID

server, storage = s3_storages.server, s3_storages.storage
REPO = Path(__file__).parents[3]


MEASURED = """
import json, resource, sys
from django.conf import settings
settings.configure(USE_TZ=True)
from imaging.adapters.s3 import S3Storage
from imaging.adapters.storage import write_part

def peak_mib():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10

storage, piece = S3Storage(**json.loads(sys.argv[1])), bytes(1 << 20)
storage.publish([write_part(storage, "a/warm.key", [piece])])
with storage.open("a/warm.key") as file:
    file.read()
before = peak_mib()
storage.publish([write_part(storage, "a/x.sealed", (piece for _ in range(100)))])
with storage.open("a/x.sealed") as file:
    size = sum(len(each) for each in file.chunks(1 << 20))
print(size >> 20, peak_mib() - before)
"""


def options(storage: S3Storage) -> str:
    names = ("bucket_name", "endpoint_url", "region_name", "location", "access_key", "secret_key")
    return json.dumps({name: getattr(storage, name) for name in names})


def test_a_hundred_megabytes_pass_in_bounded_memory(storage):
    command = [sys.executable, "-c", MEASURED, options(storage)]

    output = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=True).stdout

    mib, grown = map(int, output.split())
    assert mib == 100
    assert grown < 4 * (PART_SIZE >> 20)


KILLED = """
import json, sys, uuid
from pathlib import Path
from django.conf import settings
settings.configure(USE_TZ=True)
from imaging.adapters.keys import FileKeyring
from imaging.adapters.s3 import S3Storage
from imaging.adapters.vault import Vault
vault = Vault(S3Storage(**json.loads(sys.argv[1])), FileKeyring(Path(sys.argv[2])), 1)
while True:
    object_id = uuid.uuid4()
    vault.seal(uuid.UUID(sys.argv[3]), object_id, [bytes(9_000_000)])
    print(object_id, flush=True)
"""


def test_a_killed_writer_loses_no_object_it_acknowledged_and_leaves_none_half(storage, tmp_path):
    keyring = FileKeyring(tmp_path / "keys")
    keyring.create_tenant_key(TENANT_ID)
    vault = Vault(storage, keyring, 1)
    command = [sys.executable, "-c", KILLED, options(storage), str(tmp_path / "keys"), str(TENANT_ID)]
    process = subprocess.Popen(command, cwd=REPO, stdout=subprocess.PIPE, text=True)
    acknowledged = [process.stdout.readline().strip() for _ in range(3)]
    process.kill()
    acknowledged += process.communicate(timeout=20)[0].split()

    listed = list(vault.list_objects(TENANT_ID))

    assert all(acknowledged)
    assert set(acknowledged) <= {str(object_id) for object_id in listed}
    for object_id in listed:
        assert vault.verify(TENANT_ID, object_id) == 9_000_000
