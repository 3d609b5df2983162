package promsim_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

var now = time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)

func newServer(t testing.TB) *promsim.Server {
	t.Helper()
	return promsim.New(promsim.Config{Org: "acme", Token: "fm2_abc", Now: func() time.Time { return now }})
}

// minutes are samples of the last n minutes, of a value that grows by perMinute.
func minutes(n int, perMinute float64) []promsim.Sample {
	var out []promsim.Sample
	for i := range n {
		out = append(out, promsim.Sample{Time: now.Add(time.Duration(i+1-n) * time.Minute), Value: perMinute * float64(i)})
	}
	return out
}

// ask sends a query and returns the status, the values by labels (of a matrix
// the sum), and the body.
func ask(t testing.TB, s http.Handler, method, path, auth string, form url.Values) (status int, values map[string]float64, body string) {
	t.Helper()
	r := httptest.NewRequest(method, path, nil)
	if method == http.MethodPost {
		r = httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	} else {
		r.URL.RawQuery = form.Encode()
	}
	r.Header.Set("Authorization", auth)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  []any
				Values [][]any
			}
		}
	}
	if w.Code == http.StatusOK {
		if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
			t.Fatalf("%s: %v", w.Body, err)
		}
	}
	values = map[string]float64{}
	for _, x := range a.Data.Result {
		if x.Value != nil {
			x.Values = [][]any{x.Value}
		}
		for _, v := range x.Values {
			var n float64
			if _, err := fmt.Sscan(v[1].(string), &n); err != nil {
				t.Fatal(err)
			}
			values[fmt.Sprint(x.Metric)] += n
		}
	}
	return w.Code, values, w.Body.String()
}

const demand = `sum by (region) (increase(fly_edge_http_responses_count{app="shop"}[5m]))`

func TestQueriesByPostAndGet(t *testing.T) {
	s := newServer(t)
	if err := s.Counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": "ams"}, minutes(100, 2)); err != nil {
		t.Fatal(err)
	}
	for _, method := range []string{http.MethodPost, http.MethodGet} {
		status, values, body := ask(t, s, method, "/prometheus/acme/api/v1/query", "FlyV1 fm2_abc", url.Values{"query": {demand}})
		if status != 200 || values["map[region:ams]"] != 10 {
			t.Errorf("%s: %d %s", method, status, body)
		}
		form := url.Values{"query": {demand}, "start": {fmt.Sprint(now.Unix() - 600)}, "end": {fmt.Sprint(now.Unix())}, "step": {"300"}}
		status, values, body = ask(t, s, method, "/prometheus/acme/api/v1/query_range", "FlyV1 fm2_abc", form)
		if status != 200 || values["map[region:ams]"] != 30 {
			t.Errorf("%s: %d %s", method, status, body)
		}
	}
}

func TestOnlyKnownShapesAreAnswered(t *testing.T) {
	s := newServer(t)
	for _, query := range []string{
		"", "up", "1+1", `sum by (region) (fly_edge_http_responses_count{app="shop"}[5m])`,
		`sum(increase(fly_edge_http_responses_count{app="shop"}[5m])) by (region)`,
		`increase(sum by (region) (fly_edge_http_responses_count{app="shop"})[5m])`,
		`sum by (host) (increase(fly_edge_http_responses_count{app="shop"}[5m]))`,
		`sum by (region) (rate(fly_edge_http_responses_count{app="shop"}[5m]))`,
		`sum by (region) (increase(fly_edge_http_responses_count{app!="shop"}[5m]))`,
		`sum by (region) (increase(fly_edge_http_responses_count{app=~"("}[5m]))`,
		`sum by (region) (increase(fly_edge_http_responses_count{app="shop"}[5x]))`,
		`sum by (app) (increase(a{app="shop"}[5m])) / sum by (app) (rate(b{app="shop"}[5m]))`,
		demand + ` or up`,
	} {
		status, _, body := ask(t, s, http.MethodPost, "/prometheus/acme/api/v1/query", "FlyV1 fm2_abc", url.Values{"query": {query}})
		if status != 422 || !strings.Contains(body, `"errorType":"422"`) || !json.Valid([]byte(body)) {
			t.Errorf("%s: %d %s, want 422 with an envelope", query, status, body)
		}
	}
	for name, form := range map[string]url.Values{
		"no times": {}, "no step": {"start": {"1"}, "end": {"2"}}, "backwards": {"start": {"2"}, "end": {"1"}, "step": {"1"}},
		"nothing a number": {"start": {"a"}, "end": {"b"}, "step": {"c"}}, "too many points": {"start": {"0"}, "end": {"1e9"}, "step": {"1"}},
	} {
		form.Set("query", demand)
		if status, _, body := ask(t, s, http.MethodPost, "/prometheus/acme/api/v1/query_range", "FlyV1 fm2_abc", form); status != 422 {
			t.Errorf("%s: %d %s, want 422", name, status, body)
		}
	}
}

func TestTheDoorIsGuardedLikeFlys(t *testing.T) {
	any := promsim.New(promsim.Config{})
	for _, c := range []struct {
		name, path, auth string
		server           *promsim.Server
		status           int
		says             string
	}{
		{"the right token", "/prometheus/acme/api/v1/query", "FlyV1 fm2_abc", newServer(t), 200, "success"},
		{"no token", "/prometheus/acme/api/v1/query", "", newServer(t), 401, "missing"},
		{"another token", "/prometheus/acme/api/v1/query", "FlyV1 fm2_xyz", newServer(t), 401, "unauthorized"},
		{"a macaroon as Bearer", "/prometheus/acme/api/v1/query", "Bearer fm2_abc", newServer(t), 401, "something went wrong resolving organization"},
		{"both schemes", "/prometheus/acme/api/v1/query", "Bearer FlyV1 fm2_abc", newServer(t), 401, "something went wrong resolving organization"},
		{"another scheme", "/prometheus/acme/api/v1/query", "Basic fm2_abc", newServer(t), 401, "unauthorized"},
		{"another organization", "/prometheus/other/api/v1/query", "FlyV1 fm2_abc", newServer(t), 404, "organization"},
		{"another path", "/prometheus/acme/api/v1/read", "FlyV1 fm2_abc", newServer(t), 404, "unsupported path"},
		{"no prefix", "/api/v1/query", "FlyV1 fm2_abc", newServer(t), 404, "unsupported path"},
		{"the zero value takes any macaroon", "/prometheus/x/api/v1/query", "FlyV1 fm2_any", any, 200, "success"},
		{"and any other token", "/prometheus/x/api/v1/query", "Bearer any", any, 200, "success"},
		{"but not a macaroon as Bearer", "/prometheus/x/api/v1/query", "Bearer fm2_any", any, 401, "resolving organization"},
	} {
		t.Run(c.name, func(t *testing.T) {
			status, _, body := ask(t, c.server, http.MethodPost, c.path, c.auth, url.Values{"query": {demand}})
			if status != c.status || !strings.Contains(body, c.says) {
				t.Errorf("%d %s, want %d %q", status, body, c.status, c.says)
			}
		})
	}
}

func TestSamplesAreForgottenAfterFifteenDays(t *testing.T) {
	s := newServer(t)
	for day, region := range map[int]string{14: "ams", 16: "fra"} {
		at := now.Add(time.Duration(-day) * 24 * time.Hour)
		samples := []promsim.Sample{{Time: at, Value: 1}, {Time: at.Add(time.Minute), Value: 3}}
		if err := s.Counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": region}, samples); err != nil {
			t.Fatal(err)
		}
	}
	query := strings.Replace(demand, "5m", "30d", 1)
	_, values, _ := ask(t, s, http.MethodPost, "/prometheus/acme/api/v1/query", "FlyV1 fm2_abc", url.Values{"query": {query}})
	if len(values) != 1 || values["map[region:ams]"] != 3 {
		t.Errorf("%v, want ams only", values)
	}
}

func TestExportIsTheTextFormat(t *testing.T) {
	s := newServer(t)
	for _, region := range []string{"fra", "ams"} {
		for i := range 2 {
			sample := promsim.Sample{Time: time.UnixMilli(1700000000123 + int64(i)*1000), Value: 1.5 + float64(i)}
			if err := s.Gauge("b", map[string]string{"region": region, "name": "a\"\\\n"}, []promsim.Sample{sample}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := s.Counter("a", nil, []promsim.Sample{{Time: time.UnixMilli(5), Value: 1e21}}); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := s.Export(&b); err != nil {
		t.Fatal(err)
	}
	want := `a{} 1e+21 5
b{name="a\"\\\n",region="ams"} 1.5 1700000000123
b{name="a\"\\\n",region="ams"} 2.5 1700000001123
b{name="a\"\\\n",region="fra"} 1.5 1700000000123
b{name="a\"\\\n",region="fra"} 2.5 1700000001123
`
	if b.String() != want {
		t.Errorf("exported\n%swant\n%s", b.String(), want)
	}
	if err := s.Export(brokenWriter{}); err == nil {
		t.Error("a failed write is not told")
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestSamplesMustMakeSense(t *testing.T) {
	for name, samples := range map[string][]promsim.Sample{
		"out of order":   {{Time: now, Value: 1}, {Time: now.Add(-time.Second), Value: 2}},
		"the same time":  {{Time: now, Value: 1}, {Time: now, Value: 2}},
		"not a number":   {{Time: now, Value: math.NaN()}},
		"without bounds": {{Time: now, Value: math.Inf(1)}},
	} {
		if err := newServer(t).Counter("a", nil, samples); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFaultsStopByThemselves(t *testing.T) {
	s := newServer(t)
	s.Fail(promsim.Fault{Effect: promsim.Status, Code: 503, Kind: promsim.Traffic, Skip: 1, Times: 2, RetryAfter: "3"})
	s.Fail(promsim.Fault{Effect: promsim.Status, Code: 404, Kind: promsim.Org})
	var got []int
	for range 5 {
		status, _, _ := ask(t, s, http.MethodPost, "/prometheus/acme/api/v1/query", "FlyV1 fm2_abc", url.Values{"query": {demand}})
		got = append(got, status)
	}
	if want := []int{200, 503, 503, 200, 200}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("answered %v, want %v", got, want)
	}
	for i, r := range s.Requests() {
		if r.Status != got[i] || r.Kind != promsim.Traffic || r.Scheme != "FlyV1" || strings.Contains(fmt.Sprint(r), "fm2_") {
			t.Errorf("request %d noted as %+v", i, r)
		}
	}
}

// The bar: a week of 18 regions and 30 Machines in a few milliseconds a query.
func BenchmarkAWeek(b *testing.B) {
	s := newServer(b)
	for i := range 18 {
		labels := map[string]string{"app": "shop", "region": fmt.Sprintf("r%02d", i)}
		if err := s.Counter("fly_edge_http_responses_count", labels, minutes(8*24*60, 5)); err != nil {
			b.Fatal(err)
		}
	}
	for i := range 30 {
		labels := map[string]string{"app": "shop", "instance": fmt.Sprintf("m%02d", i)}
		if err := s.Gauge("fly_app_concurrency", labels, minutes(8*24*60, 5)); err != nil {
			b.Fatal(err)
		}
	}
	for name, query := range map[string]string{
		"responses":   `sum by (app, region) (increase(fly_edge_http_responses_count{app="shop"}[1h]))`,
		"concurrency": `max_over_time(sum by (app) (max by (app, instance) (fly_app_concurrency{app="shop"}))[1h:1m])`,
	} {
		b.Run(name, func(b *testing.B) {
			form := url.Values{"start": {fmt.Sprint(now.Unix() - 167*3600)}, "end": {fmt.Sprint(now.Unix())}, "step": {"3600"}}
			form.Set("query", query)
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, "/prometheus/acme/api/v1/query_range?"+form.Encode(), nil)
				r.Header.Set("Authorization", "FlyV1 fm2_abc")
				w := httptest.NewRecorder()
				if s.ServeHTTP(w, r); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}
