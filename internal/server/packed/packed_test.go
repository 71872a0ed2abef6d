package packed

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestRead(t *testing.T) {
	t.Parallel()
	from := fstest.MapFS{
		"a/plain.css":     {Data: []byte("a{}")},
		"a/packed.css.gz": {Data: pack([]byte("a{}"))},
	}
	var tags []string
	for path, want := range map[string]string{"a/plain.css": "plain.css", "a/packed.css.gz": "packed.css"} {
		name, file, err := Read(from, path)
		if err != nil || name != want {
			t.Fatalf("%s: %s, %v", path, name, err)
		}
		for _, accept := range []string{"gzip", "identity"} {
			r := httptest.NewRequest(http.MethodGet, "/", nil)
			r.Header.Set("Accept-Encoding", accept)
			w := httptest.NewRecorder()
			file.Serve(w, r)
			var body io.Reader = w.Body
			if w.Header().Get("Content-Encoding") == "gzip" {
				if body, err = gzip.NewReader(bytes.NewReader(w.Body.Bytes())); err != nil {
					t.Fatal(err)
				}
			}
			got, err := io.ReadAll(body)
			if err != nil || string(got) != "a{}" || w.Header().Get("Content-Type") != "text/css; charset=utf-8" {
				t.Errorf("%s, %s: %q %v, %v", path, accept, got, w.Header(), err)
			}
			tags = append(tags, strings.ReplaceAll(w.Header().Get("ETag"), "-gzip", ""))
		}
	}
	for _, tag := range tags {
		if tag != tags[0] || len(tag) < 10 {
			t.Errorf("one content, the tags %q", tags)
		}
	}
	if _, _, err := Read(from, "a/nothing"); err == nil {
		t.Error("a file that is not there was read")
	}
}
