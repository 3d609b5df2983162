package endpoint_test

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/fly-placer/fly-placer/internal/endpoint"
)

// here are the hosts that are this machine, as a URL has them; elsewhere are
// hosts that are not, or not for certain.
var (
	here = []string{
		"localhost", "127.0.0.1", "127.0.0.2", "127.255.255.254", "[::1]", "[0:0:0:0:0:0:0:1]",
		"[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.8.9.1]",
	}
	elsewhere = []string{
		"localhost.", "LOCALHOST", "LOCALHOST.", "Localhost", "localhost.localdomain", "my.localhost",
		"localhost.evil.example", "127.0.0.1.evil.com", "127.0.0.1.nip.io", "evil-localhost", "127.0.0.1.",
		"0.0.0.0", "[::]", "[::ffff:0.0.0.0]", "128.0.0.1", "126.255.255.255", "10.0.0.1", "169.254.169.254",
		"2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "127.000.000.001", "127.0.0.01",
		"[::127.0.0.1]", "[::2]", "[::1%25lo]", "[::ffff:127.0.0.1%25lo]", "[fe80::1]", "[::ffff:128.0.0.1]", "[64:ff9b::7f00:1]",
		"%31%32%37.0.0.2.example", "１２７.0.0.1", "localhost%00", "127.0.0.1%20",
	}
)

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for want, hosts := range map[bool][]string{true: here, false: elsewhere} {
		for _, host := range hosts {
			u, err := url.Parse("http://" + host + ":8080/v1")
			if err != nil {
				if want {
					t.Errorf("%s: %v", host, err)
				}
				continue // what is no host of a URL comes no further
			}
			if got := endpoint.Loopback(u.Hostname()); got != want {
				t.Errorf("Loopback(%q) = %t, want %t", u.Hostname(), got, want)
			}
		}
	}
	for _, host := range []string{"", " localhost", "localhost ", "localhost:80", "[::1]", "::1%lo", "127.0.0.1\n", "127.0.0.1:80", "127.0.0.1/8"} {
		if endpoint.Loopback(host) {
			t.Errorf("%q is taken for this machine", host)
		}
	}
}

func TestNoProxySeesWhatIsSentToThisMachine(t *testing.T) {
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY"} {
		t.Setenv(name, "http://proxy.example:3128")
	}
	for _, name := range []string{"NO_PROXY", "no_proxy", "REQUEST_METHOD"} {
		t.Setenv(name, "")
	}
	asked := func(address string) *url.URL {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := http.ProxyFromEnvironment(req)
		if err != nil {
			t.Fatal(err)
		}
		return proxy
	}
	for _, host := range here {
		if proxy := asked("http://" + host + ":8080"); proxy != nil {
			t.Errorf("http://%s goes through %s", host, proxy)
		}
	}
	// Why spelling counts: to net/http this is a name like any other.
	if asked("http://LOCALHOST:8080") == nil {
		t.Error("http://LOCALHOST goes through no proxy: Loopback may take it")
	}
}

func TestParseTakesWhatMayGetAToken(t *testing.T) {
	for raw, want := range map[string]string{
		"https://api.machines.dev":            "https://api.machines.dev",
		"HTTPS://api.fly.io/prometheus/acme/": "https://api.fly.io/prometheus/acme",
		"https://github.example.com/api/v3//": "https://github.example.com/api/v3",
		"https://192.0.2.1:8443/a%2Fb":        "https://192.0.2.1:8443/a%2Fb",
		"https://LOCALHOST":                   "https://LOCALHOST",
		"http://localhost:1/":                 "http://localhost:1",
		"http://[::1]:9090/x":                 "http://[::1]:9090/x",
	} {
		if u, err := endpoint.Parse(raw); err != nil || u.String() != want {
			t.Errorf("Parse(%q) = %v, %v; want %s", raw, u, err, want)
		}
	}
	for _, host := range here {
		if _, err := endpoint.Parse("http://" + host + ":8080/"); err != nil {
			t.Errorf("http://%s: %v", host, err)
		}
	}
}

func TestParseRefusesWhatMayNot(t *testing.T) {
	for raw, want := range map[string]error{
		"":                               endpoint.ErrNotURL,
		"/":                              endpoint.ErrNotURL,
		"api.fly.io":                     endpoint.ErrNotURL,
		"mailto:s3cret":                  endpoint.ErrNotURL,
		"https:s3cret.example":           endpoint.ErrNotURL,
		"localhost:8080":                 endpoint.ErrNotURL,
		"https://exa mple.com":           endpoint.ErrNotURL,
		"https://example.com:s3cret":     endpoint.ErrNotURL,
		"https://example.com/%zz":        endpoint.ErrNotURL,
		" https://example.com":           endpoint.ErrNotURL,
		"https://example.com\n":          endpoint.ErrNotURL,
		"://":                            endpoint.ErrNotURL,
		"//example.com":                  endpoint.ErrScheme,
		"ftp://localhost":                endpoint.ErrScheme,
		"file:///etc/passwd":             endpoint.ErrScheme,
		"https://":                       endpoint.ErrNoHost,
		"https:///prometheus/acme":       endpoint.ErrNoHost,
		"https://:443":                   endpoint.ErrNoHost,
		"https://me:s3cret@example.com":  endpoint.ErrUser,
		"https://s3cret@example.com?x=1": endpoint.ErrUser,
		"https://@example.com":           endpoint.ErrUser,
		"http://localhost@example.com":   endpoint.ErrUser,
		"https://example.com?t=s3cret":   endpoint.ErrQuery,
		"https://example.com?":           endpoint.ErrQuery,
		"https://example.com/?/":         endpoint.ErrQuery,
		"https://example.com#s3cret":     endpoint.ErrQuery,
		"https://example.com#":           endpoint.ErrQuery,
		"https://example.com/#/":         endpoint.ErrQuery,
		"http://example.com":             endpoint.ErrPlainHTTP,
		"http://LOCALHOST":               endpoint.ErrPlainHTTP,
	} {
		if u, err := endpoint.Parse(raw); !errors.Is(err, want) || u != nil {
			t.Errorf("Parse(%q) = %v, %v; want the error %q", raw, u, err, want)
		} else if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("Parse(%q) repeats the address: %v", raw, err)
		}
	}
	for _, host := range elsewhere {
		if u, err := endpoint.Parse("http://" + host + ":8080/"); err == nil {
			t.Errorf("http://%s is taken as %s", host, u)
		}
	}
}

func TestAnOriginIsSchemeHostAndPort(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://api.example.com/x", "https://API.example.com:443/y?z", true},
		{"http://127.0.0.1/x", "http://127.0.0.1:80", true},
		{"http://[::1]:9090", "http://[::1]:9090/x", true},
		{"https://api.example.com", "http://api.example.com", false},
		{"https://api.example.com:443", "http://api.example.com:443", false},
		{"https://api.example.com", "https://api.example.com:8443", false},
		{"https://api.example.com", "https://example.com", false},
		{"https://example.com", "https://example.com.evil.example", false},
		{"https://example.com", "https://example.com@evil.example", false},
		{"http://127.0.0.1:1", "http://127.0.0.2:1", false},
		{"http://127.0.0.1:1", "http://localhost:1", false},
	} {
		a, errA := url.Parse(c.a)
		b, errB := url.Parse(c.b)
		if err := errors.Join(errA, errB); err != nil {
			t.Fatal(err)
		}
		if endpoint.SameOrigin(a, b) != c.want || endpoint.SameOrigin(b, a) != c.want {
			t.Errorf("same origin of %s and %s: want %t both ways", a, b, c.want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, host := range slices.Concat(here, elsewhere) {
		f.Add("http://" + host)
	}
	f.Add("https://me:pass@example.com/a/?x#y")
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := endpoint.Parse(raw)
		if (u == nil) == (err == nil) {
			t.Fatalf("Parse(%q) = %v, %v: want a URL or an error", raw, u, err)
		}
		if err != nil {
			return
		}
		if u.User != nil || u.Hostname() == "" || !endpoint.Confidential(u) || strings.ContainsAny(u.String(), "?#") || strings.HasSuffix(u.String(), "/") {
			t.Fatalf("Parse(%q) = %s", raw, u)
		}
		if again, err := endpoint.Parse(u.String()); err != nil || again.String() != u.String() {
			t.Fatalf("Parse(%q) = %v, %v: want itself", u, again, err)
		}
	})
}
