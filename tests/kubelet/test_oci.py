import gzip
import io
import json
import tarfile

from pynetes.kubelet import oci


def read(tar, name):
    with tarfile.open(fileobj=io.BytesIO(tar)) as files:
        return files.extractfile(name).read()


def test_a_layout_leads_from_the_index_to_the_files():
    layer = oci.layer({"/bin/app": oci.File(b"code", mode=0o755), "link": oci.Link("/bin/app")})
    tar = oci.image_tar(
        ["example/app:1", "example/app:2"], [layer], oci.ImageConfig(entrypoint=("/bin/app",), user="5")
    )
    index = json.loads(read(tar, "index.json"))
    names = [m["annotations"]["io.containerd.image.name"] for m in index["manifests"]]
    assert names == ["example/app:1", "example/app:2"]
    manifest = json.loads(read(tar, "blobs/sha256/" + index["manifests"][0]["digest"][7:]))
    config = json.loads(read(tar, "blobs/sha256/" + manifest["config"]["digest"][7:]))
    assert config["config"]["Entrypoint"] == ["/bin/app"]
    assert config["config"]["User"] == "5"
    packed = read(tar, "blobs/sha256/" + manifest["layers"][0]["digest"][7:])
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(packed))) as files:
        assert files.getnames() == ["bin", "bin/app", "link"]
        assert files.getmember("bin/app").mode == 0o755


def test_the_same_input_gives_the_same_bytes():
    def made():
        return oci.image_tar("a:1", [oci.layer({"x": oci.File(b"y")})])

    assert made() == made()
