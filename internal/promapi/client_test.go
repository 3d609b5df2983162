package promapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/hint"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

func TestNewReportsEveryBadOption(t *testing.T) {
	for _, c := range []struct {
		name, base, token string
		want              []string
	}{
		{"no URL and no token", "", "", []string{"prometheus-url: it is empty", "metrics token: the token is empty"}},
		{"plain http to another host", "http://example.com/prometheus/acme", testToken, []string{"plain http"}},
		{"a host that only looks like loopback", "http://localhost.example.com", testToken, []string{"plain http"}},
		{"no scheme", "api.fly.io/prometheus/acme", testToken, []string{"https://"}},
		{"another scheme", "file:///etc/passwd", testToken, []string{"https://"}},
		{"no host", "https:///prometheus/acme", testToken, []string{"no host"}},
		{"a password", "https://u:" + testToken + "@api.fly.io/prometheus/acme", testToken, []string{"user name or password"}},
		{"a query", "https://api.fly.io/prometheus/acme?x=" + testToken, testToken, []string{"query or a fragment"}},
		{"an empty query, where the path would end up", "https://api.fly.io/prometheus/acme?", testToken, []string{"query or a fragment"}},
		{"not a URL", "https://api.fly.io/%zz" + testToken, testToken, []string{"not a URL"}},
		{"no token for another host", "https://api.fly.io/prometheus/acme", "", []string{"metrics token: the token is empty"}},
		{"a broken token on loopback", "http://127.0.0.1:1", "a b", []string{"a blank inside"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := promapi.New(promapi.Options{BaseURL: c.base, Token: c.token})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), testToken) {
				t.Errorf("error %q shows the token", err)
			}
			if len(hint.Of(err)) < len(c.want) {
				t.Errorf("%d next steps for %q, want %d", len(hint.Of(err)), err, len(c.want))
			}
		})
	}
	for _, base := range []string{"http://localhost:1/", "http://[::1]:1", "http://127.8.9.1:1//", "https://api.fly.io/prometheus/acme/"} {
		if _, err := promapi.New(promapi.Options{BaseURL: base, Token: testToken}); err != nil {
			t.Errorf("New(%q): %v", base, err)
		}
	}
}

func TestQueriesAreSentAsDocumented(t *testing.T) {
	sim := smallSim(t)
	c, err := promapi.New(promapi.Options{BaseURL: serve(t, sim), Token: "Bearer FlyV1 " + testToken, UserAgent: "fly-placer/1.2.3", Now: atWorldNow})
	if err != nil {
		t.Fatal(err)
	}
	if right, _, _, err := query(t, c, "traffic"); err != nil || !right {
		t.Fatalf("right figures %t, %v", right, err)
	}
	r := sim.Requests()[0]
	if r.Method != http.MethodPost || r.UserAgent != "fly-placer/1.2.3" || r.Scheme != "FlyV1" || r.Path != "/prometheus/acme/api/v1/query" {
		t.Errorf("sent %s %s by %q under %q", r.Method, r.Path, r.UserAgent, r.Scheme)
	}
	want := "nocache=1&query=" + `sum by (region) (increase(fly_edge_http_responses_count{app="shop",status=~"2.."}[1h]))` + "&time=1749992400&timeout=30s"
	var got []string
	for _, key := range []string{"nocache", "query", "time", "timeout"} {
		got = append(got, key+"="+r.Form.Get(key))
	}
	if joined := strings.Join(got, "&"); joined != want || len(r.Form) != 4 {
		t.Errorf("sent %v\nwant %s", r.Form, want)
	}
	if shown := fmt.Sprintf("%v %+v %#v %+v %#v", c, c, c, *c, *c); strings.Contains(shown, "fm2_") {
		t.Errorf("a formatted client shows its token: %s", shown)
	}
}

// A fake clock that sleeping moves.
type clock struct {
	mu    sync.Mutex
	now   time.Time
	slept []time.Duration
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Sleep(ctx context.Context, d time.Duration) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.slept = append(c.slept, d)
	return ctx.Err()
}

func atWorldNow() time.Time { return worldNow }

// smallSim has two apps' series over the last three hours.
func smallSim(t *testing.T) *promsim.Server {
	t.Helper()
	sim := newSim()
	for app, perMinute := range map[string]float64{"shop": 60, "other": 6} {
		for metric, by := range map[string]float64{
			"fly_edge_http_responses_count": 1, "fly_app_http_responses_count": 1, "fly_app_http_response_time_seconds_count": 1, "fly_app_http_response_time_seconds_sum": 0.05,
			"fly_edge_data_out": 1000, "fly_edge_http_response_time_seconds_count": 1, "fly_edge_http_response_time_seconds_sum": 0.08,
		} {
			var samples []promsim.Sample
			for i := range 181 {
				samples = append(samples, promsim.Sample{Time: worldNow.Add(time.Duration(i-180) * time.Minute), Value: perMinute * by * float64(i)})
			}
			if err := sim.Counter(metric, map[string]string{"app": app, "region": "ams", "instance": "m1", "status": "200"}, samples); err != nil {
				t.Fatal(err)
			}
		}
		for _, metric := range []string{"fly_app_concurrency", "fly_instance_up"} {
			var samples []promsim.Sample
			for i := range 181 {
				samples = append(samples, promsim.Sample{Time: worldNow.Add(time.Duration(i-180) * time.Minute), Value: 1})
			}
			if err := sim.Gauge(metric, map[string]string{"app": app, "region": "ams", "instance": "m1"}, samples); err != nil {
				t.Fatal(err)
			}
		}
	}
	return sim
}

// hasty returns a client with a fake clock, so that retries take no time.
func hasty(t *testing.T, base string) (*promapi.Client, *clock) {
	t.Helper()
	return impatient(t, base, 0)
}

// impatient returns a hasty client that gives each request so much real time
// (0: the default).
func impatient(t *testing.T, base string, attempt time.Duration) (*promapi.Client, *clock) {
	t.Helper()
	ticks := &clock{now: worldNow}
	c, err := promapi.New(promapi.Options{
		BaseURL: base, Token: testToken, Now: ticks.Now, Sleep: ticks.Sleep, Jitter: func() float64 { return 1 },
		AttemptTimeout: attempt,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, ticks
}

// query calls one method of c and returns its error and whether the figures
// are those of smallSim.
func query(t *testing.T, c *promapi.Client, method string) (right bool, warnings []string, partial bool, err error) {
	t.Helper()
	if method == "traffic" {
		got, err := c.Traffic(t.Context(), promapi.TrafficQuery{App: "shop", End: worldNow.Add(-time.Hour + 40*time.Minute), Window: time.Hour, Status: "2.."})
		return got.Responses["ams"] == 3600, got.Warnings, got.Partial, err
	}
	got, err := c.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 2})
	h := got["shop"]
	right = slices.Equal(h.Responses["ams"], []float64{3600, 3600}) && slices.Equal(h.Served, []float64{3600, 3600}) &&
		slices.Equal(h.ConcurrencyMax, []float64{1, 1}) && slices.Equal(h.OrgUp, []bool{true, true}) && h.Known
	return right, h.Warnings, h.Partial, err
}

func TestEveryFaultIsSurvivedOrNamed(t *testing.T) {
	const ever = 1 << 20
	for _, c := range []struct {
		name  string
		fault promsim.Fault
		want  promapi.Kind // empty: success
		says  string
	}{
		{"a rate limit that passes", promsim.Fault{Effect: promsim.Status, Code: 429, RetryAfter: "2"}, "", ""},
		{"a bad gateway that passes", promsim.Fault{Effect: promsim.Status, Code: 502, Body: "<html>bad gateway</html>"}, "", ""},
		{"an outage that passes", promsim.Fault{Effect: promsim.Status, Code: 503, Times: 4}, "", ""},
		{"a gateway timeout that passes", promsim.Fault{Effect: promsim.Status, Code: 504}, "", ""},
		{"a reset that passes", promsim.Fault{Effect: promsim.Reset}, "", ""},
		{"a rate limit that stays", promsim.Fault{Effect: promsim.Status, Code: 429, Times: ever, Body: "slow down"}, promapi.RateLimited, "(HTTP 429): slow down"},
		{"a rate limit for longer than the call", promsim.Fault{Effect: promsim.Status, Code: 429, Times: ever, RetryAfter: "3600"}, promapi.RateLimited, "429"},
		{"a bad gateway that stays", promsim.Fault{Effect: promsim.Status, Code: 502, Times: ever, Body: "<html><title>Bad  gateway</title></html>"}, promapi.Unavailable, "HTML page: Bad gateway"},
		{"an outage that stays", promsim.Fault{Effect: promsim.Status, Code: 503, Times: ever}, promapi.Unavailable, "503"},
		{"a gateway timeout that stays", promsim.Fault{Effect: promsim.Status, Code: 504, Times: ever}, promapi.Unavailable, "504"},
		{"resets that stay", promsim.Fault{Effect: promsim.Reset, Times: ever}, promapi.Unreachable, "EOF"},
		{"a token that is not known", promsim.Fault{Effect: promsim.Status, Code: 401, Times: ever, Body: `{"message":"no"}`}, promapi.Unauthorized, "(HTTP 401): no"},
		{"the misleading refusal", promsim.Fault{Effect: promsim.Status, Code: 401, Times: ever, Body: "something went wrong resolving organization"}, promapi.Unauthorized, "resolving organization"},
		{"a token of an app", promsim.Fault{Effect: promsim.Status, Code: 403, Times: ever}, promapi.Forbidden, "403"},
		{"no such organization", promsim.Fault{Effect: promsim.Status, Code: 404, Times: ever}, promapi.NotFound, "404"},
		{"a bad request", promsim.Fault{Effect: promsim.Status, Code: 400, Times: ever}, promapi.Rejected, "400"},
		{"too many series", promsim.Fault{Effect: promsim.Status, Code: 422, Times: ever, Body: `{"status":"error","errorType":"422","error":"too many series"}`}, promapi.Rejected, "(HTTP 422): too many series"},
		{"a crash", promsim.Fault{Effect: promsim.Status, Code: 500, Times: ever}, promapi.Unavailable, "500"},
		{"a request timeout", promsim.Fault{Effect: promsim.Status, Code: 408, Times: ever}, promapi.Timeout, "408"},
		{"a strange status", promsim.Fault{Effect: promsim.Status, Code: 418, Times: ever}, promapi.Unexpected, "418"},
		{"no content", promsim.Fault{Effect: promsim.Status, Code: 204, Times: ever}, promapi.Unexpected, "204"},
		{"HTML instead of JSON", promsim.Fault{Effect: promsim.HTML, Times: ever}, promapi.NotJSON, "HTML page: Sign in"},
		{"a connection that drops in the middle", promsim.Fault{Effect: promsim.Truncate, Times: ever}, promapi.Truncated, "stops in the middle"},
		{"half of an answer", promsim.Fault{Effect: promsim.Cut, Times: ever}, promapi.Truncated, "stops in the middle"},
		{"an empty body", promsim.Fault{Effect: promsim.Status, Code: 200, Times: ever}, promapi.Truncated, "empty body"},
		{"another sort of result", promsim.Fault{Effect: promsim.WrongType, Times: ever}, promapi.Malformed, "no result of type"},
		{"an error under status 200", promsim.Fault{Effect: promsim.Lie, Times: ever, Body: "boom"}, promapi.Failed, "503 boom"},
		{"JSON of something else", promsim.Fault{Effect: promsim.Status, Code: 200, Times: ever, Body: `{"hello":1}`}, promapi.Malformed, "status"},
		{"a string of JSON", promsim.Fault{Effect: promsim.Status, Code: 200, Times: ever, Body: `"hello"`}, promapi.NotJSON, "hello"},
		{"silence", promsim.Fault{Effect: promsim.Hang, Times: ever, Delay: time.Minute}, promapi.Timeout, "no answer in time"},
		{"a redirect to another host", promsim.Fault{Effect: promsim.Redirect, Times: ever, Body: "http://127.0.0.2:9/"}, promapi.Redirected, "307"},
	} {
		for _, method := range []string{"traffic", "history"} {
			t.Run(c.name+"/"+method, func(t *testing.T) {
				t.Parallel()
				sim := smallSim(t)
				sim.Fail(c.fault)
				client, _ := hasty(t, serve(t, sim))
				if c.fault.Effect == promsim.Hang {
					client, _ = impatient(t, serve(t, sim), 250*time.Millisecond)
				}
				right, _, _, err := query(t, client, method)
				if c.want == "" {
					if err != nil || !right {
						t.Fatalf("right figures %t, %v; want success", right, err)
					}
					return
				}
				checkError(t, err, c.want, c.says)
				if n, limit := len(sim.Requests()), map[string]int{"traffic": 5, "history": 14 * 5}[method]; n > limit {
					t.Errorf("%d requests, want at most %d", n, limit)
				}
			})
		}
	}
}

func checkError(t *testing.T, err error, kind promapi.Kind, says string) {
	t.Helper()
	var e *promapi.Error
	if !errors.As(err, &e) || e.Kind != kind {
		t.Fatalf("error %v (%#v), want kind %q", err, e, kind)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error %q does not say %q", err, says)
	}
	if strings.Count(err.Error(), "\n") > 0 {
		t.Errorf("the same mistake is told more than once:\n%v", err)
	}
	if steps := hint.Of(err); len(steps) != 1 {
		t.Errorf("next steps %q, want one", steps)
	}
}

func TestRetriesWaitAsAskedAndNoLonger(t *testing.T) {
	for _, c := range []struct {
		name       string
		retryAfter string
		want       []time.Duration
	}{
		{"seconds", "7", []time.Duration{7 * time.Second}},
		{"a date", worldNow.Add(5 * time.Second).Format(http.TimeFormat), []time.Duration{5 * time.Second}},
		{"a date that has passed", worldNow.Add(-5 * time.Second).Format(http.TimeFormat), []time.Duration{500 * time.Millisecond}},
		{"nothing", "", []time.Duration{500 * time.Millisecond}},
		{"nonsense", "soon", []time.Duration{500 * time.Millisecond}},
		{"less than nothing", "-3", []time.Duration{500 * time.Millisecond}},
		{"more than the call may take", "61", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := smallSim(t)
			sim.Fail(promsim.Fault{Effect: promsim.Status, Code: 503, RetryAfter: c.retryAfter})
			client, ticks := hasty(t, serve(t, sim))
			_, _, _, err := query(t, client, "traffic")
			if (err == nil) != (c.want != nil) || !slices.Equal(ticks.slept, c.want) {
				t.Errorf("waited %v, %v; want %v", ticks.slept, err, c.want)
			}
		})
	}
	t.Run("longer each time", func(t *testing.T) {
		sim := smallSim(t)
		sim.Fail(promsim.Fault{Effect: promsim.Status, Code: 502, Times: 10})
		client, ticks := hasty(t, serve(t, sim))
		_, _, _, err := query(t, client, "traffic")
		want := []time.Duration{500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second}
		if err == nil || !slices.Equal(ticks.slept, want) {
			t.Errorf("waited %v, %v; want %v and an error", ticks.slept, err, want)
		}
	})
}

func TestACanceledCallIsNoTimeout(t *testing.T) {
	client, _ := hasty(t, serve(t, smallSim(t)))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.History(ctx, promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 2})
	var e *promapi.Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &e) || e.Kind != promapi.Canceled {
		t.Errorf("%v, want canceled", err)
	}
}

func TestAnUnreachableServerIsNotAskedAgain(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	client, ticks := hasty(t, srv.URL)
	_, _, _, err := query(t, client, "traffic")
	checkError(t, err, promapi.Unreachable, "refused")
	if len(ticks.slept) > 0 {
		t.Errorf("waited %v", ticks.slept)
	}
}

func TestTheTokenStaysWhereItBelongs(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.Header.Get("Authorization"))
	}))
	defer other.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		from := httptest.NewServer(http.RedirectHandler(other.URL, status))
		client, _ := hasty(t, from.URL)
		_, _, _, err := query(t, client, "traffic")
		checkError(t, err, promapi.Redirected, fmt.Sprint(status))
		from.Close()
	}
	if len(seen) > 0 {
		t.Errorf("the other host was asked, with %q", seen)
	}
}

func TestARedirectOnTheSameHostIsFollowed(t *testing.T) {
	sim := smallSim(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path, old := strings.CutPrefix(r.URL.Path, "/old"); old {
			http.Redirect(w, r, path, http.StatusPermanentRedirect)
			return
		}
		sim.ServeHTTP(w, r)
	}))
	defer srv.Close()
	client, _ := hasty(t, srv.URL+"/old/prometheus/acme")
	if right, _, _, err := query(t, client, "traffic"); err != nil || !right {
		t.Errorf("right figures %t, %v", right, err)
	}
}

func TestForeignWordsAreMadeHarmless(t *testing.T) {
	body := "\x1b[31mred\x1b[0m\r\n::error::oops token " + testToken + " and " + strings.TrimPrefix(testToken, "fm2_") + " \u202egnol" + strings.Repeat(" x", 500)
	sim := smallSim(t)
	sim.Fail(promsim.Fault{Effect: promsim.Status, Code: 403, Body: body})
	client, _ := hasty(t, serve(t, sim))
	_, _, _, err := query(t, client, "traffic")
	var e *promapi.Error
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	if n := len([]rune(e.Body)); n > 200 || !strings.HasPrefix(e.Body, "[31mred[0m ::error::oops token [redacted] and [redacted] gnol x x") {
		t.Errorf("excerpt of %d characters: %q", n, e.Body)
	}
	sim.Fail(promsim.Fault{Effect: promsim.Warn, Body: body})
	if _, warnings, _, err := query(t, client, "traffic"); err != nil || len(warnings) != 1 || strings.Contains(warnings[0], "lJPE") || strings.ContainsAny(warnings[0], "\x1b\n") {
		t.Errorf("warnings %q, %v", warnings, err)
	}
}

func TestAnAnswerIsBounded(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"status":"success","error":"`)
		chunk := strings.Repeat("x", 1<<20)
		for range 65 {
			_, _ = io.WriteString(w, chunk)
		}
	}))
	defer srv.Close()
	c, err := promapi.New(promapi.Options{BaseURL: srv.URL, Now: atWorldNow})
	if err != nil {
		t.Fatal(err)
	}
	_, _, _, err = query(t, c, "traffic")
	checkError(t, err, promapi.TooLarge, "larger than 64 MB")
}
