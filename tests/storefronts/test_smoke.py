def test_home(visit, deal, widget):
    deal()
    home = visit()
    assert home.status_code == 200, home.content[:2000]
    assert b"Running shoes" in home.content
    for path in (
        "/offers",
        "/c/fashion",
        "/search?q=runn",
        "/sitemap.xml",
        "/robots.txt",
        "/theme.css",
        "/favicon.ico",
    ):
        got = visit(path)
        assert got.status_code == 200, (path, got.content[:500])
    print(visit("/sitemap.xml").content.decode())
    answer = widget()
    print(answer.content, dict(answer.headers))
    assert answer.status_code == 200
