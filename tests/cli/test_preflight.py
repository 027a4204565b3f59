def test_a_path_too_long_for_a_socket_is_told() -> None:
    assert preflight.check_socket_path(Path("/run/pynetes/containerd.sock")) == []
    (problem,) = preflight.check_socket_path(Path("/" + "d" * 100) / "containerd.sock")
    assert "too long by 18" in str(problem)
    assert "--run-dir" in str(problem)
