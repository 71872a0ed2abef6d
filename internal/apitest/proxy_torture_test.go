//go:build torture

package apitest

import (
	"bytes"
	"compress/gzip"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/roster-api/roster/db/dbsqlc"
	"github.com/roster-api/roster/internal/auth"
	"github.com/roster-api/roster/internal/role"
	"github.com/roster-api/roster/internal/testkit"
)

// TestTortureCachingProxy: two users, each by cookie and by token, and somebody
// unknown ask for all that can be read through a cache that others share, and through
// a browser's that they use one after the other. Each gets what they get without it. A
// cache that keeps to no rule shows that the test would find what crosses.
func TestTortureCachingProxy(t *testing.T) {
	const rounds = 100
	w := newCachedWorld(t)
	for _, kind := range []struct {
		name   string
		proxy  *cachingProxy
		caches []string // what is answered from it, or the test says nothing
	}{
		{"shared", &cachingProxy{}, []string{"/docs/"}},
		{"a browser's", &cachingProxy{private: true}, []string{"/docs/", "/api/stats"}},
		{"careless", &cachingProxy{careless: true}, []string{"/docs/", "/api/stats", "/api/session", "/api/keys"}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			p := kind.proxy
			p.start(t, w.api.URL)
			wrong := map[string]int{}
			var mu sync.Mutex
			var all sync.WaitGroup
			for who, header := range w.callers {
				all.Go(func() {
					for range rounds {
						for _, i := range rand.Perm(len(w.paths)) {
							path := w.paths[i]
							got := w.ask(t, p.url, path, header)
							if got.Status != w.want[who][path].Status || !bytes.Equal(got.Body, w.want[who][path].Body) {
								mu.Lock()
								wrong[who+" "+path]++
								mu.Unlock()
							}
						}
					}
				})
			}
			all.Wait()
			for _, path := range kind.caches {
				if p.hits[path]+p.confirmed[path] == 0 {
					t.Errorf("%s is never answered from the cache, so this tests nothing", path)
				}
			}
			crossed := sumOf(p.crossed)
			t.Logf("%d answers, %d of them from the cache, %d more after it asked whether they still hold: %v", p.answers, sumOf(p.hits), sumOf(p.confirmed), p.hits)
			if p.careless {
				t.Logf("%d were made for another caller, and %d are not what the caller gets: that is what the test would find", crossed, sumOf(wrong))
				if crossed == 0 || sumOf(wrong) == 0 {
					t.Error("the test would find nothing")
				}
				return
			}
			t.Logf("%d were made for another caller, the goal is 0; %d are not what the caller gets, the goal is 0", crossed, sumOf(wrong))
			if crossed+sumOf(wrong) > 0 {
				t.Errorf("crossed: %v; wrong: %v", p.crossed, slices.Sorted(maps.Keys(wrong)))
			}
			t.Logf("%d answers to somebody known; %d of them are neither private nor no-store, the goal is 0", p.known, sumOf(p.open))
			if sumOf(p.open) > 0 {
				t.Errorf("%v", p.open)
			}
		})
	}
}

func sumOf(counts map[string]int) (sum int) {
	for _, n := range counts {
		sum += n
	}
	return sum
}

// cachedWorld is a server, those who ask it, and what each gets without a cache.
type cachedWorld struct {
	api     *api
	paths   []string
	callers map[string]string // the header with the credential
	want    map[string]map[string]answer
}

func newCachedWorld(t *testing.T) *cachedWorld {
	t.Helper()
	w := &cachedWorld{api: newServer(t), callers: map[string]string{"nobody": ""}, want: map[string]map[string]answer{}}
	var users []dbsqlc.User
	for name, r := range map[string]role.Role{"Alice": role.Admin, "Bob": role.Viewer} {
		u := w.api.user(t, dbsqlc.User{Name: name, Role: r})
		users = append(users, u)
		w.callers[name+" by cookie"] = "Cookie: " + auth.Cookie + "=" + testkit.Session(t, w.api.Pool, u.ID)
		w.callers[name+" by token"] = "Authorization: Bearer " + testkit.Session(t, w.api.Pool, u.ID)
		w.callers[name+"'s service"] = "Authorization: Bearer " + testkit.Key(t, w.api.Pool, u.ID, auth.StatsRead, auth.UsersRead)
	}
	// All that can be read, by the document, so what is added to it is tested, too.
	for path, item := range must(document())(t).doc["paths"].(map[string]any) {
		if item.(map[string]any)["get"] == nil {
			continue
		}
		paths := []string{path}
		if strings.Contains(path, "{id}") {
			paths = nil
			for _, u := range users {
				paths = append(paths, strings.ReplaceAll(path, "{id}", u.ID.String()))
			}
		}
		w.paths = append(w.paths, paths...)
	}
	w.paths = append(w.paths, "/api/stats?days=90", "/docs/", "/openapi.json")
	for who, header := range w.callers {
		w.want[who] = map[string]answer{}
		for _, path := range w.paths {
			w.want[who][path] = w.ask(t, w.api.URL, path, header)
		}
	}
	if a, b := w.want["Alice by token"]["/api/session"], w.want["Bob by token"]["/api/session"]; a.Status != 200 || bytes.Equal(a.Body, b.Body) {
		t.Fatalf("%s\n%s", a, b)
	}
	return w
}

// volatile is what differs from one answer to the next for the same caller.
var volatile = regexp.MustCompile(`"(requestId|lastUsedAt)":("[^"]*"|null)`)

// ask returns an answer without what is volatile.
func (w *cachedWorld) ask(t *testing.T, base, path, header string) answer {
	t.Helper()
	r := must(http.NewRequestWithContext(t.Context(), http.MethodGet, base+path, nil))(t)
	if name, value, ok := strings.Cut(header, ": "); ok {
		r.Header.Set(name, value)
	}
	if rand.IntN(2) == 0 {
		r.Header.Set("Accept-Encoding", "gzip")
	} else {
		r.Header.Set("Accept-Encoding", "identity")
	}
	got := read(t, must(proxied.Do(r))(t))
	if got.Header.Get("Content-Encoding") == "gzip" {
		got.Body = must(io.ReadAll(must(gzip.NewReader(bytes.NewReader(got.Body)))(t)))(t)
	}
	got.Body = volatile.ReplaceAll(got.Body, nil)
	return got
}

// proxied is for both sides of a proxy: it changes nothing by itself.
var proxied = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 64},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func read(t *testing.T, resp *http.Response) answer {
	t.Helper()
	defer resp.Body.Close()
	return answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(t)}
}

// cachingProxy is an HTTP cache in front of a server, by RFC 9111: a shared one, or a
// private one, such as a browser has.
type cachingProxy struct {
	private  bool
	careless bool // keeps all that has an end or a validator, for everybody

	t           *testing.T
	url, origin string

	mu        sync.Mutex
	kept      map[string][]*kept // by the address asked for
	answers   int
	known     int            // to requests with a credential
	hits      map[string]int // by path: answered without asking,
	confirmed map[string]int // with a 304 for what is kept,
	crossed   map[string]int // without asking, and made for another caller,
	open      map[string]int // and for a caller, but neither private nor no-store
}

// kept is an answer and the request that it was made for.
type kept struct {
	answer
	asked http.Header
	came  time.Time
}

func (p *cachingProxy) start(t *testing.T, origin string) {
	p.t, p.origin, p.kept = t, origin, map[string][]*kept{}
	p.hits, p.confirmed, p.crossed, p.open = map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}
	server := httptest.NewServer(p)
	t.Cleanup(server.Close)
	p.url = server.URL
}

// ServeHTTP answers a GET from the cache where it may.
func (p *cachingProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path, who := r.URL.Path, credential(r.Header)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answers++
	have := p.find(r)
	if have != nil && p.fresh(have) {
		p.hits[path]++
		if credential(have.asked) != who && strings.HasPrefix(path, "/api/") {
			p.crossed[path]++
		}
		p.send(w, have)
		return
	}
	p.mu.Unlock()
	up := r.Clone(r.Context())
	up.RequestURI = ""
	up.URL = must(url.Parse(p.origin + r.URL.RequestURI()))(p.t)
	up.Host = ""
	if have != nil && have.Header.Get("ETag") != "" {
		up.Header.Set("If-None-Match", have.Header.Get("ETag"))
	}
	resp, err := proxied.Do(up)
	if err != nil {
		p.mu.Lock()
		p.t.Error(err)
		http.Error(w, "no answer", http.StatusBadGateway)
		return
	}
	got := &kept{read(p.t, resp), r.Header.Clone(), time.Now()}
	p.mu.Lock()
	control := directives(got.Header)
	if who != "" {
		p.known++
		if _, private := control["private"]; !private {
			if _, none := control["no-store"]; !none && strings.HasPrefix(path, "/api/") {
				p.open[path]++
			}
		}
	}
	if got.Status == http.StatusNotModified && have != nil {
		p.confirmed[path]++
		now := &kept{answer{have.Status, have.Header.Clone(), have.Body}, r.Header.Clone(), got.came} // section 4.3.4
		for name, values := range got.Header {
			now.Header[name] = values
		}
		p.keep(r, now)
		p.send(w, now)
		return
	}
	if p.may(r, got) {
		p.keep(r, got)
	}
	p.send(w, got)
}

// find returns what is kept for such a request (section 4.1).
func (p *cachingProxy) find(r *http.Request) *kept {
	for _, k := range p.kept[r.URL.RequestURI()] {
		if p.same(k, r) {
			return k
		}
	}
	return nil
}

func (p *cachingProxy) same(k *kept, r *http.Request) bool {
	for _, line := range k.Header.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.TrimSpace(name)
			if p.careless && name != "Accept-Encoding" {
				continue
			}
			if name == "*" || !slices.Equal(k.asked.Values(name), r.Header.Values(name)) {
				return false
			}
		}
	}
	return true
}

func (p *cachingProxy) keep(r *http.Request, k *kept) {
	uri := r.URL.RequestURI()
	p.kept[uri] = append(slices.DeleteFunc(p.kept[uri], func(old *kept) bool { return p.same(old, r) }), k)
}

// may reports whether an answer may be kept (section 3).
func (p *cachingProxy) may(r *http.Request, k *kept) bool {
	control := directives(k.Header)
	has := func(name string) bool { _, ok := control[name]; return ok }
	switch {
	case r.Method != http.MethodGet || k.Status != http.StatusOK:
		return false
	case p.careless:
		return true
	case has("no-store"):
		return false
	case p.private:
		return true
	case has("private"):
		return false
	case r.Header.Get("Authorization") != "" && !has("public") && !has("s-maxage") && !has("must-revalidate"): // section 3.5
		return false
	}
	return true
}

// fresh reports whether an answer needs no confirmation (section 4.2).
func (p *cachingProxy) fresh(k *kept) bool {
	control := directives(k.Header)
	if p.careless && strings.HasPrefix(k.Header.Get("Content-Type"), "application/json") {
		return true
	}
	if _, ask := control["no-cache"]; ask {
		return false
	}
	word, ok := control["max-age"]
	if shared, given := control["s-maxage"]; given && !p.private {
		word, ok = shared, true
	}
	seconds, err := strconv.Atoi(word)
	return ok && err == nil && age(k) < time.Duration(seconds)*time.Second
}

func age(k *kept) time.Duration {
	seconds, _ := strconv.Atoi(k.Header.Get("Age"))
	return time.Duration(seconds)*time.Second + time.Since(k.came)
}

// send sends what was kept, or came just now. The caller holds the lock, so answers
// go out one by one.
func (p *cachingProxy) send(w http.ResponseWriter, k *kept) {
	maps.Copy(w.Header(), k.Header)
	if k.Header.Get("Age") != "" {
		w.Header().Set("Age", strconv.Itoa(int(age(k).Seconds())))
	}
	w.WriteHeader(k.Status)
	_, _ = w.Write(k.Body)
}

func credential(h http.Header) string {
	return h.Get("Authorization") + h.Get("Cookie")
}

// directives are those of Cache-Control.
func directives(h http.Header) map[string]string {
	all := map[string]string{}
	for word := range strings.SplitSeq(strings.Join(h.Values("Cache-Control"), ","), ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(word), "=")
		all[strings.ToLower(name)] = value
	}
	return all
}
