package flyapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/secret"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const (
	routeApp      = "GET /v1/apps/{app}"
	routeMachines = "GET /v1/apps/{app}/machines"
	routeCreate   = "POST /v1/apps/{app}/machines"
	routeGraphQL  = "POST /graphql"
)

// echo is a body that repeats the token, as some services do.
const echo = `{"error":"bad token FlyV1 fm2_lJPECAAAAAAAATQxxBCzQmWnqL9vVgN2,fm2_qW0rTyUiOpAsDfGhJkLzXcVbNm123456, starts with lJPECAAAAAAAATQxx"}`

// escaped spells ASCII text in escapes of JSON.
func escaped(text string) string {
	var s strings.Builder
	for _, r := range text {
		fmt.Fprintf(&s, `\u%04x`, r)
	}
	return s.String()
}

func TestFailuresOfReads(t *testing.T) {
	const retried, once = 4, 1
	tests := []struct {
		name     string
		fault    flysim.Fault
		want     string // in the error
		hint     string
		attempts int
	}{
		{"400", flysim.Fault{Status: 400}, "400 Bad Request", "did not accept", once},
		{"401", flysim.Fault{Status: 401}, "401 Unauthorized: Authenticate: token validation error", "the token was refused", once},
		{"403", flysim.Fault{Status: 403}, "403 Forbidden: unauthorized", "may not do this", once},
		{"404", flysim.Fault{Status: 404}, "404 Not Found: app not found", "check the app name and that the token may see it", once},
		{"408", flysim.Fault{Status: 408}, "408 Request Timeout: deadline_exceeded", "in time", retried},
		{"409", flysim.Fault{Status: 409}, "409 Conflict: aborted", "did not accept", once},
		{"412", flysim.Fault{Status: 412}, "412 Precondition Failed", "did not accept", once},
		{"422", flysim.Fault{Status: 422}, "422 Unprocessable Entity: invalid argument", "did not accept", once},
		{"429", flysim.Fault{Status: 429}, "429 Too Many Requests: rate limit exceeded", "too many requests", retried},
		{"429 with a wait", flysim.Fault{Status: 429, RetryAfter: "3"}, "429", "too many requests", retried},
		{"429 with a long wait", flysim.Fault{Status: 429, RetryAfter: "3600"}, "429", "too many requests", once},
		{"500", flysim.Fault{Status: 500}, "500 Internal Server Error", "status.flyio.net", retried},
		{"502", flysim.Fault{Status: 502}, "502 Bad Gateway", "status.flyio.net", retried},
		{"503", flysim.Fault{Status: 503}, "503 Service Unavailable", "fly-request-id", retried},
		{"504", flysim.Fault{Status: 504}, "504 Gateway Timeout", "in time", retried},
		{"503 as a web page", flysim.Fault{Kind: flysim.HTML, Status: 503}, "a web page instead of the API's answer", "proxy", retried},
		{"a web page", flysim.Fault{Kind: flysim.HTML}, "a web page instead of JSON", "proxy", once},
		{"JSON that ends early", flysim.Fault{Kind: flysim.Truncated}, "the JSON ends early", "only in part", once},
		{"an empty answer", flysim.Fault{Status: 200, Body: " "}, "the JSON ends early", "only in part", once},
		{"other JSON", flysim.Fault{Status: 200, Body: `"x"`}, "not the JSON that was expected", "only in part", once},
		{"an answer that breaks off", flysim.Fault{Kind: flysim.Cut}, "broke off", "network", retried},
		{"a reset", flysim.Fault{Kind: flysim.Reset}, "reset", "network", retried},
		{"no answer", flysim.Fault{Kind: flysim.Hang}, "no answer in time", "in time", retried},
		{"a redirect", flysim.Fault{Kind: flysim.Redirect, Location: "https://evil.example/v1"}, "redirects", "fly-api-url", once},
		{"an echo of the token", flysim.Fault{Status: 400, Body: echo}, "bad token", "did not accept", once},
		{"an echo of the token, as text", flysim.Fault{Status: 500, Body: "no " + token}, "500", "status", retried},
		{"an echo of the token in escapes", flysim.Fault{Status: 400, Body: `{"error":"` + escaped("bad "+token) + `"}`}, "400 Bad Request: bad [redacted]", "did not accept", once},
		{"colours and blanks", flysim.Fault{Status: 400, Body: `{"message":"\u001b[31mred\u202e\r\n::error::x"}`}, "400 Bad Request: [31mred ::error::x (", "did not accept", once},
		{"nothing to see", flysim.Fault{Status: 400, Body: "\x00\n"}, "400 Bad Request: no explanation", "did not accept", once},
		{"a redirect with the token", flysim.Fault{Kind: flysim.Redirect, Location: "https://evil.example/?t=" + strings.ReplaceAll(token, " ", "+")}, "redirects", "proxy", once},
	}
	for _, route := range []string{routeApp, routeMachines} {
		for _, test := range tests {
			t.Run(route+" "+test.name, func(t *testing.T) {
				w := newWorld(t, flysim.Config{})
				w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
				test.fault.Route = route
				w.Inject(test.fault)
				client := w.client
				if test.fault.Kind == flysim.Hang {
					client = w.dial(Options{Token: secret.New(token), ReadTimeout: 40 * time.Millisecond})
				}
				app, err := client.App(t.Context(), "shop")
				if err == nil || !strings.Contains(err.Error(), test.want) {
					t.Fatalf("got %v, want %q", err, test.want)
				}
				if app.Name != "" || app.Machines != nil {
					t.Errorf("half an app beside the error: %+v", app)
				}
				if next := strings.Join(hint.Of(err), "\n"); !strings.Contains(next, test.hint) {
					t.Errorf("next step %q, want %q", next, test.hint)
				}
				if got := w.count(route); got != test.attempts {
					t.Errorf("%d attempts, want %d", got, test.attempts)
				}
				var e *Error
				if !errors.As(err, &e) || e.Attempts != test.attempts {
					t.Errorf("the error tells %+v", e)
				} else if e.Status != 0 && !strings.Contains(err.Error(), "fly-request-id 01KAFLYSIM") {
					t.Errorf("%v lacks the request's ID", err)
				}
				leaks(t, fmt.Sprintf("%v\n%+v\n%#v\n%s\n%q\n%s", err, err, e, e.Body, hint.Of(err), e.Body))
			})
		}
	}
}

func TestReadsSucceedAfterPassingTrouble(t *testing.T) {
	for name, fault := range map[string]flysim.Fault{
		"429": {Status: 429}, "502": {Status: 502}, "503": {Status: 503}, "reset": {Kind: flysim.Reset}, "cut": {Kind: flysim.Cut},
	} {
		for _, route := range []string{routeApp, routeMachines, routeGraphQL} {
			t.Run(name+" "+route, func(t *testing.T) {
				w := newWorld(t, flysim.Config{})
				w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
				fault.Route, fault.Times = route, 1
				w.Inject(fault)
				app, err := w.client.App(t.Context(), "shop")
				if err != nil || len(app.Machines) != 1 || len(app.Unread) != 0 {
					t.Errorf("%+v, %v", app, err)
				}
				if got := w.slept(); !slices.Equal(got, []time.Duration{time.Second}) {
					t.Errorf("waited %v", got)
				}
			})
		}
	}
}

func TestWaits(t *testing.T) {
	date := time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat)
	for name, test := range map[string]struct {
		retryAfter string
		want       []time.Duration
	}{
		"doubling":                {"", []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"as the server asks":      {"5", []time.Duration{5 * time.Second, 5 * time.Second, 5 * time.Second}},
		"never not at all":        {"0", []time.Duration{time.Second / 4, time.Second / 2, time.Second}},
		"what is no time":         {"soon", []time.Duration{time.Second, 2 * time.Second, 4 * time.Second}},
		"not for an hour":         {"3600", nil},
		"no overflow":             {"9999999999999", nil},
		"a negative time is none": {"-5", []time.Duration{time.Second / 4, time.Second / 2, time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, flysim.Config{})
			w.AddApp(flysim.App{Name: "shop"})
			w.Inject(flysim.Fault{Route: routeApp, Status: 429, RetryAfter: test.retryAfter})
			if _, err := w.client.Org(t.Context(), "shop"); err == nil {
				t.Error("no error")
			}
			if got := w.slept(); !slices.Equal(got, test.want) {
				t.Errorf("waited %v, want %v", got, test.want)
			}
		})
	}
	t.Run("until a date", func(t *testing.T) {
		w := newWorld(t, flysim.Config{})
		w.AddApp(flysim.App{Name: "shop"})
		w.Inject(flysim.Fault{Route: routeApp, Times: 1, Status: 503, RetryAfter: date})
		if _, err := w.client.Org(t.Context(), "shop"); err != nil {
			t.Error(err)
		}
		if got := w.slept(); len(got) != 1 || got[0] < 6*time.Second || got[0] > 10*time.Second {
			t.Errorf("waited %v", got)
		}
	})
}

func TestTheEnvironmentDoesNotDecideWhereTheTokenGoes(t *testing.T) {
	var hits atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer evil.Close()
	host := strings.TrimPrefix(evil.URL, "http://")
	for _, value := range []string{evil.URL, evil.URL + "/v2", "http://user:pass@" + host, "//" + host, "evil", "mailto:" + host, "/"} {
		t.Run(value, func(t *testing.T) {
			t.Setenv("FLY_FLAPS_BASE_URL", value)
			t.Setenv("FLY_FORCE_INSTANCE_ID", "3d8d1000000001")
			t.Setenv("FLY_FORCE_REGION", "nrt")
			t.Setenv("FLY_FORCE_TRACE", "1")
			w := newWorld(t, flysim.Config{})
			w.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
			if app, err := w.client.App(t.Context(), "shop"); err != nil || len(app.Machines) != 1 || len(app.Unread) != 0 {
				t.Errorf("%+v, %v", app, err)
			}
			if err := launch(t.Context(), w.client); err != nil {
				t.Error(err)
			}
			for _, r := range w.Requests() {
				for _, name := range []string{"Fly-Force-Instance-Id", "Fly-Force-Region", "Fly-Force-Trace"} {
					if r.Header.Get(name) != "" {
						t.Errorf("%s carries %s", r.Route, name)
					}
				}
			}
		})
	}
	t.Run("no URL at all", func(t *testing.T) {
		t.Setenv("FLY_FLAPS_BASE_URL", "http://[")
		_, err := New(t.Context(), Options{Token: secret.New(token)})
		if err == nil || !strings.Contains(strings.Join(hint.Of(err), ""), "unset FLY_FLAPS_BASE_URL") {
			t.Errorf("got %v", err)
		}
	})
	if hits.Load() != 0 {
		t.Errorf("the other server got %d requests", hits.Load())
	}
}

func TestRedirectsDoNotTakeTheTokenAlong(t *testing.T) {
	var hits atomic.Int32
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer evil.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		w := newWorld(t, flysim.Config{})
		w.AddApp(flysim.App{Name: "shop"})
		w.Inject(flysim.Fault{Kind: flysim.Redirect, Status: status, Location: evil.URL})
		if _, err := w.client.App(t.Context(), "shop"); err == nil {
			t.Errorf("%d: no error", status)
		}
		if err := launch(t.Context(), w.client); err == nil {
			t.Errorf("%d: no error of the write", status)
		}
		if n := len(w.Requests()); n != 7 {
			t.Errorf("%d: %d requests", status, n)
		}
	}
	if hits.Load() != 0 {
		t.Errorf("the other server got %d requests", hits.Load())
	}
}

func TestAPathInTheURLIsKept(t *testing.T) {
	sim := flysim.New(flysim.Config{})
	sim.AddWeb("shop", flysim.Web{Regions: map[string]int{"ams": 1}})
	server := httptest.NewServer(http.StripPrefix("/fly", sim))
	defer server.Close()
	client, err := New(t.Context(), Options{APIURL: server.URL + "/fly/", Token: secret.New(token)})
	if err != nil {
		t.Fatal(err)
	}
	if app, err := client.App(t.Context(), "shop"); err != nil || len(app.Unread) != 0 {
		t.Errorf("%v, unread %v", err, app.Unread)
	}
}

func TestAServerThatIsNotThere(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	client, err := New(t.Context(), Options{
		APIURL: "http://" + address, Token: secret.New(token),
		Sleep: func(context.Context, time.Duration) error { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.App(t.Context(), "shop")
	if err == nil || !strings.Contains(err.Error(), "connection refused") || !strings.Contains(strings.Join(hint.Of(err), ""), "fly-api-url") {
		t.Errorf("%v, next step %q", err, hint.Of(err))
	}
}

func TestTLSThatCannotBeTrustedIsNotTriedAgain(t *testing.T) {
	server := httptest.NewTLSServer(flysim.New(flysim.Config{}))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	defer server.Close()
	waits := 0
	client, err := New(t.Context(), Options{
		APIURL: server.URL, Token: secret.New(token),
		Sleep: func(context.Context, time.Duration) error { waits++; return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Org(t.Context(), "shop"); err == nil || !strings.Contains(err.Error(), "certificate") || waits != 0 {
		t.Errorf("%v, %d waits", err, waits)
	}
}

func TestTheDeadlineOfACallEndsItsWaits(t *testing.T) {
	w := newWorld(t, flysim.Config{})
	w.AddApp(flysim.App{Name: "shop"})
	w.Inject(flysim.Fault{Status: 503})
	client, err := New(t.Context(), Options{APIURL: w.url, Token: secret.New(token)}) // with real waits
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := client.Org(ctx, "shop"); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "503") {
		t.Errorf("got %v", err)
	}
}

func TestNothingPrintedShowsTheToken(t *testing.T) {
	options := Options{Token: secret.New(token)}
	client, err := New(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v"} {
		leaks(t, fmt.Sprintf(verb, options))
		leaks(t, fmt.Sprintf(verb, client))
		leaks(t, fmt.Sprintf(verb, *client))
	}
}
