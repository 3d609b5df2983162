//go:build e2e

package promapi_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// victoriaMetrics starts the server that $VICTORIA_METRICS names, else the one
// in the path, empty, and returns its address. It ends with the test.
func victoriaMetrics(t *testing.T) string {
	t.Helper()
	binary, err := exec.LookPath(cmp.Or(os.Getenv("VICTORIA_METRICS"), "victoria-metrics"))
	if err != nil {
		t.Fatalf("set VICTORIA_METRICS to the path of victoria-metrics v1.148.8: %v", err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	dir := t.TempDir()
	logs, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(binary,
		"-httpListenAddr="+address, "-storageDataPath="+filepath.Join(dir, "data"),
		"-retentionPeriod=100y", "-search.latencyOffset=0s", "-search.disableCache", "-memory.allowedBytes=512MB")
	cmd.Stdout, cmd.Stderr = logs, logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(os.Interrupt)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = cmd.Process.Kill()
			<-done
		}
		_ = logs.Close()
	})
	base := "http://" + address
	for range 200 {
		resp, err := http.Get(base + "/health")
		if err == nil {
			_ = resp.Body.Close()
			return base
		}
		select {
		case err := <-done:
			done <- err
			text, _ := os.ReadFile(logs.Name())
			t.Fatalf("victoria-metrics ended: %v\n%s", err, text)
		case <-time.After(50 * time.Millisecond):
		}
	}
	t.Fatal("victoria-metrics does not listen after 10 s")
	return ""
}

// load imports what sim holds into the real server.
func load(t *testing.T, base string, sim *promsim.Server) {
	t.Helper()
	r, w := io.Pipe()
	go func() { w.CloseWithError(sim.Export(w)) }()
	post(t, base+"/api/v1/import/prometheus", r)
	flush(t, base)
}

// flush makes imported samples visible to queries.
func flush(t *testing.T, base string) {
	t.Helper()
	post(t, base+"/internal/force_flush", nil)
}

func post(t *testing.T, address string, body io.Reader) {
	t.Helper()
	resp, err := http.Post(address, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if text, _ := io.ReadAll(resp.Body); resp.StatusCode/100 != 2 {
		t.Fatalf("post %s: %s: %s", address, resp.Status, text)
	}
}

func TestRealServer(t *testing.T) {
	base := victoriaMetrics(t)
	sim := newSim()
	w := record(t, sim)
	load(t, base, sim)
	fly := serve(t, sim)
	// The single server answers below /prometheus/ too, without a token.
	real := newClient(t, base+"/prometheus/", "", nil)

	t.Run("traffic is what happened", func(t *testing.T) { checkTraffic(t, real, w) })
	t.Run("history is what happened", func(t *testing.T) { checkHistory(t, real, w) })
	t.Run("an unknown app", func(t *testing.T) {
		got, err := real.Traffic(t.Context(), promapi.TrafficQuery{App: "nobody", End: worldEnd, Window: time.Hour})
		if err != nil || got.Absent != promapi.NoApp {
			t.Errorf("absent %q, %v; want %q", got.Absent, err, promapi.NoApp)
		}
	})
	t.Run("the simulator answers every query alike", func(t *testing.T) {
		queries := sentQueries(t, sim, fly)
		if len(queries) < 15 {
			t.Fatalf("only %d kinds of queries were sent", len(queries))
		}
		for kind, q := range queries {
			compareOverTime(t, kind, q, base+"/prometheus/api/v1/", fly+"api/v1/")
		}
	})
}

// sentQueries lets a client ask for everything and returns one query of each
// kind, as it was sent.
func sentQueries(t *testing.T, sim *promsim.Server, fly string) map[promsim.Kind]promsim.Request {
	t.Helper()
	c := newClient(t, fly, testToken, nil)
	if _, err := c.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop", "api-2"}, End: worldNow, Hours: 168, Status: "2..|5.."}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Traffic(t.Context(), promapi.TrafficQuery{App: "shop", End: worldNow, Window: 5 * time.Minute}); err != nil {
		t.Fatal(err)
	}
	out := map[promsim.Kind]promsim.Request{}
	for _, r := range sim.Requests() {
		out[r.Kind] = r
	}
	return out
}

// askedWindow matches the windows that depend on what sentQueries asks for;
// the last is up to worldNow.
var askedWindow = regexp.MustCompile(`\[(?:168h|5m|10100m)(:1m)?\]`)

// compareOverTime asks both servers the query as it is and as an instant or
// range query at times that fall into everything that happened: restarts, the
// gap, the series that is born late, the end of a Machine, before the start.
func compareOverTime(t *testing.T, kind promsim.Kind, q promsim.Request, real, fly string) {
	t.Helper()
	forms := map[string][]url.Values{strings.TrimPrefix(q.Path, "/prometheus/acme/api/v1/"): {q.Form}}
	for _, at := range []time.Time{
		worldNow, worldEnd, worldEnd.Add(-61 * time.Second), gapStart.Add(30 * time.Second), gapStart.Add(90 * time.Minute), gapEnd, gapEnd.Add(40 * time.Second),
		bornAt.Add(20 * time.Second), bornAt.Add(80 * time.Second), bornAt.Add(time.Hour), replacedAt.Add(30 * time.Second), worldStart.Add(30 * time.Second), worldStart.Add(time.Hour),
	} {
		for _, window := range []string{"5m", "1h", "90m", "7d"} {
			text := askedWindow.ReplaceAllString(q.Form.Get("query"), "["+window+"$1]")
			forms["query"] = append(forms["query"], url.Values{"query": {text}, "nocache": {"1"}, "time": {fmt.Sprint(at.Unix())}})
		}
	}
	for _, minutes := range []int{7, 60, 180} {
		for _, end := range []time.Time{worldNow, gapEnd.Add(3 * time.Hour), bornAt.Add(10 * time.Hour), replacedAt.Add(7 * time.Hour)} {
			form := url.Values{
				"query": {q.Form.Get("query")}, "nocache": {"1"}, "step": {fmt.Sprint(minutes * 60)},
				"start": {fmt.Sprint(end.Add(-20 * time.Hour).Unix())}, "end": {fmt.Sprint(end.Unix())},
			}
			forms["query_range"] = append(forms["query_range"], form)
		}
	}
	for path, list := range forms {
		for _, form := range list {
			want, got := results(t, real+path, form), results(t, fly+path, form)
			if diff := gocmp.Diff(want, got, approx); diff != "" {
				t.Errorf("%s: %s %s (-real +simulated):\n%s", kind, path, form.Encode(), diff)
			}
		}
	}
}

// results asks one query and returns the values by labels and time.
func results(t *testing.T, address string, form url.Values) map[string]map[string]float64 {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Authorization", "FlyV1 "+testToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %s %s %v", address, form.Encode(), resp.Status, body, err)
	}
	var a struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
				Values [][2]any
			}
		}
	}
	if err := json.Unmarshal(body, &a); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]float64{}
	for _, r := range a.Data.Result {
		values := map[string]float64{}
		if r.Value[1] != nil {
			r.Values = append(r.Values, r.Value)
		}
		for _, v := range r.Values {
			var n float64
			if _, err := fmt.Sscan(v[1].(string), &n); err != nil {
				t.Fatal(err)
			}
			values[fmt.Sprintf("%.3f", v[0])] = n
		}
		out[fmt.Sprint(r.Metric)] = values
	}
	return out
}

// The facts of doc.go, one by one, on the real server and on the simulator.
func TestRealServerSemantics(t *testing.T) {
	base := victoriaMetrics(t)
	sim := newSim()
	start := worldEnd.Add(-2 * time.Hour)
	every := func(step time.Duration, first, n int, value func(i int) float64) []promsim.Sample {
		var out []promsim.Sample
		for i := range n {
			out = append(out, promsim.Sample{Time: start.Add(time.Duration(first+i) * step), Value: value(i)})
		}
		return out
	}
	series := func(app string, labels ...string) map[string]string {
		return with(map[string]string{"app": app, "region": "ams"}, labels...)
	}
	counter := func(app string, samples []promsim.Sample, labels ...string) {
		t.Helper()
		if err := sim.Counter("fly_edge_http_responses_count", series(app, labels...), samples); err != nil {
			t.Fatal(err)
		}
	}
	quarter := 15 * time.Second
	counter("small", every(quarter, 1, 8, func(i int) float64 { return float64(9 + 3*i) }))
	counter("large", every(quarter, 1, 8, func(i int) float64 { return float64(40 + 3*i) }))
	counter("edge", every(quarter, 1, 8, func(i int) float64 { return float64(39 + 3*i) }))
	counter("single", every(quarter, 1, 1, func(int) float64 { return 9 }))
	counter("single-large", every(quarter, 1, 1, func(int) float64 { return 10 }))
	counter("extrapolation", every(quarter, 0, 9, func(i int) float64 { return float64(4 * i) }))
	counter("reset", append(every(quarter, 0, 3, func(i int) float64 { return float64(100 + i) }), every(quarter, 3, 3, func(i int) float64 { return float64(1 + i) })...))
	counter("step-back", append(every(quarter, 0, 3, func(i int) float64 { return float64(100 + i) }), every(quarter, 3, 3, func(i int) float64 { return float64(95 + i) })...))
	counter("gap", append(every(quarter, 0, 3, func(i int) float64 { return float64(100 + i) }), every(quarter, 240, 3, func(i int) float64 { return float64(150 + i) })...))
	counter("returns", append(every(quarter, 0, 40, func(i int) float64 { return float64(10 * i) }), every(quarter, 240, 3, func(i int) float64 { return float64(7 + i) })...))

	gauge := func(app string, first, n int, value float64, labels ...string) {
		t.Helper()
		if err := sim.Gauge("fly_app_concurrency", series(app, labels...), every(quarter, first, n, func(int) float64 { return value })); err != nil {
			t.Fatal(err)
		}
	}
	gauge("flip", 0, 123, 10, "instance", "m1", "proxy_id", "blue") // last sample at 30:30
	gauge("flip", 123, 118, 10, "instance", "m1", "proxy_id", "green")
	gauge("replace", 0, 123, 10, "instance", "m1")
	gauge("replace", 123, 118, 10, "instance", "m2")
	// Machine m1 of idle stops at once, its proxy reports for two minutes.
	gauge("idle", 0, 9, 0, "instance", "m1")
	if err := sim.Gauge("fly_instance_up", series("idle", "instance", "m1"), every(quarter, 0, 1, func(int) float64 { return 1 })); err != nil {
		t.Fatal(err)
	}
	load(t, base, sim)

	newest := func(between string) string {
		return `max(tlast_over_time(fly_instance_up[1h])` + between + `tlast_over_time({__name__=~"fly_edge_http_responses_count|fly_app_concurrency",app="idle"}[1h]))`
	}
	increase := func(app, window string) string {
		return `sum by (region) (increase(fly_edge_http_responses_count{app="` + app + `"}[` + window + `]))`
	}
	concurrency := func(app, fold string) string {
		return fold + `_over_time(sum by (app) (max by (app, instance) (fly_app_concurrency{app="` + app + `"}))[1h:1m])`
	}
	for _, c := range []struct {
		name  string
		query string
		after time.Duration // since start
		want  float64       // NaN: no result
	}{
		{"the first value counts when it is below ten times the step to the second, and ten", increase("small", "1h"), time.Hour, 30},
		{"as long as it is below", increase("edge", "1h"), time.Hour, 39 + 21},
		{"a larger first value does not count", increase("large", "1h"), time.Hour, 21},
		{"a single value counts below ten", increase("single", "1h"), time.Hour, 9},
		{"a single value of ten does not", increase("single-large", "1h"), time.Hour, 0},
		{"the window is open at its start and closed at its end", increase("extrapolation", "1m"), time.Minute, 16},
		{"the last sample before the window counts, there is no extrapolation", increase("extrapolation", "40s"), 100 * time.Second, 8},
		{"an empty window is nothing, not 0", increase("extrapolation", "1m"), 3 * time.Minute, math.NaN()},
		{"a reset counts from 0", increase("reset", "2m"), 2 * time.Minute, 2 + 1 + 2},
		{"a step back by less than an eighth counts nothing until it is made up for", increase("step-back", "1m"), 75 * time.Second, 2 + 1},
		{"an instant query does not know of samples over five minutes before its window", increase("gap", "5m"), 61 * time.Minute, 2},
		{"what grew during a gap counts where it ends", increase("gap", "1h"), 61 * time.Minute, 50},
		{"a series that returns lower counts from 0", increase("returns", "1h"), 61 * time.Minute, 390 - 40 + 9},
		{"a flipped proxy counts once in the maximum", concurrency("flip", "max"), time.Hour, 10},
		{"and in the mean", concurrency("flip", "avg"), time.Hour, 10},
		{"a replaced Machine counts for up to a minute beside the new one", concurrency("replace", "max"), time.Hour, 20},
		{"that is one point of sixty in the mean", concurrency("replace", "avg"), time.Hour, 10 + 10.0/60},
		{"without the maximum by Machine a flipped proxy counts twice", `max_over_time(sum by (app) (fly_app_concurrency{app="flip"})[1h:1m])`, time.Hour, 20},
		{"the newest sample is of any Machine or the app's proxies", newest(", "), 30 * time.Minute, float64(start.Unix() + 120)},
		{"a union of series loses what has the labels of another", newest(" or "), 30 * time.Minute, float64(start.Unix())},
	} {
		t.Run(c.name, func(t *testing.T) {
			form := url.Values{"query": {c.query}, "nocache": {"1"}, "time": {fmt.Sprint(start.Add(c.after).Unix())}}
			servers := map[string]string{"real": base + "/prometheus/api/v1/query"}
			if !strings.Contains(c.query, "time(sum by (app) (fly") && !strings.Contains(c.query, " or ") { // shapes that are not sent
				servers["simulated"] = serve(t, sim) + "api/v1/query"
			}
			for name, address := range servers {
				got := math.NaN()
				for _, values := range results(t, address, form) {
					for _, v := range values {
						got = v
					}
				}
				if !gocmp.Equal(got, c.want, approx) {
					t.Errorf("%s server: %v, want %v", name, got, c.want)
				}
			}
		})
	}
	t.Run("a staleness marker ends a gauge at once", func(t *testing.T) { checkStaleMarker(t, base) })
	t.Run("the error of a wrong query", func(t *testing.T) { checkServerError(t, base) })
}

// checkStaleMarker writes one, which only the JSON import can (null).
func checkStaleMarker(t *testing.T, base string) {
	start := worldEnd.Add(-90 * time.Minute).UnixMilli()
	line := fmt.Sprintf(`{"metric":{"__name__":"fly_app_concurrency","app":"marked","instance":"m1"},"values":[5,5,null],"timestamps":[%d,%d,%d]}`, start, start+15000, start+30000)
	post(t, base+"/api/v1/import", bytes.NewBufferString(line))
	flush(t, base)
	form := url.Values{"nocache": {"1"}, "time": {fmt.Sprint(start/1000 + 600)}, "query": {`count_over_time(sum by (app) (fly_app_concurrency{app="marked"})[10m:15s])`}}
	got := results(t, base+"/api/v1/query", form)
	if want := map[string]map[string]float64{"map[app:marked]": {fmt.Sprintf("%.3f", float64(start/1000+600)): 2}}; !gocmp.Equal(want, got) {
		t.Errorf("points with a value: %v, want %v", got, want)
	}
}

// checkServerError pins the envelope that the client reads.
func checkServerError(t *testing.T, base string) {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/api/v1/query?query=sum(", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var e struct{ Status, ErrorType, Error string }
	if err := json.NewDecoder(resp.Body).Decode(&e); err != nil || resp.StatusCode != 422 || e.ErrorType != "422" || e.Status != "error" || e.Error == "" {
		t.Errorf("HTTP %d, %+v, %v; want 422 with an error envelope", resp.StatusCode, e, err)
	}
}
