package promapi_test

import (
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

const testToken = "fm2_lJPECAAAAAAAAtest"

// serve starts sim on loopback and returns the address of the organization.
func serve(t *testing.T, sim *promsim.Server) string {
	t.Helper()
	srv := httptest.NewServer(sim)
	t.Cleanup(srv.Close)
	return srv.URL + "/prometheus/acme/"
}

func newSim() *promsim.Server {
	return promsim.New(promsim.Config{Org: "acme", Token: testToken, Now: func() time.Time { return worldNow }})
}

func TestFiguresAreWhatHappened(t *testing.T) {
	sim := newSim()
	w := record(t, sim)
	client := newClient(t, serve(t, sim), "FlyV1 "+testToken, nil)
	t.Run("traffic", func(t *testing.T) { checkTraffic(t, client, w) })
	t.Run("history", func(t *testing.T) { checkHistory(t, client, w) })
}

func TestHistoryIsOneRoundTrip(t *testing.T) {
	sim := smallSim(t)
	const queries = 14
	arrived, release := make(chan struct{}, 2*queries), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		<-release // no answer before all questions are there
		sim.ServeHTTP(w, r)
	}))
	defer srv.Close()
	go func() {
		for range queries {
			<-arrived
		}
		close(release)
	}()
	client := newClient(t, srv.URL+"/prometheus/acme", testToken, nil)
	if right, _, _, err := query(t, client, "history"); err != nil || !right {
		t.Errorf("right figures %t, %v", right, err)
	}
	if n := len(sim.Requests()); n != queries {
		t.Errorf("%d requests, want %d", n, queries)
	}
}

func TestManyAppsShareQueries(t *testing.T) {
	sim := smallSim(t)
	apps := []string{"shop", "other"}
	for i := range 998 {
		apps = append(apps, fmt.Sprintf("app-%03d-with-a-name-of-some-length", i))
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: apps, End: worldNow, Hours: 2})
	if err != nil || len(got) != 1000 || got["other"].Responses["ams"][1] != 360 || got["shop"].Responses["ams"][1] != 3600 || got["app-007-with-a-name-of-some-length"].Known {
		t.Errorf("%d apps, %v", len(got), err)
	}
	kinds := map[promsim.Kind]int{}
	for _, r := range sim.Requests() {
		kinds[r.Kind]++
		if n := len(r.Form.Get("query")); n > 16<<10 {
			t.Errorf("a query of %d bytes: VictoriaMetrics reads 16 KB", n)
		}
	}
	for kind, n := range kinds {
		if n > 20 {
			t.Errorf("%d queries of kind %q, want at most 20", n, kind)
		}
	}
}

func TestAQueryThatIsTooLargeIsHalved(t *testing.T) {
	// strict refuses range queries over more than some apps or hours, as a
	// server with limits does.
	strict := func(t *testing.T, apps, hours int) (*promsim.Server, string) {
		sim := smallSim(t)
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			form, _ := url.ParseQuery(string(body))
			start, _ := strconv.Atoi(form.Get("start"))
			end, _ := strconv.Atoi(form.Get("end"))
			if strings.Count(form.Get("query"), "|") >= apps && strings.Contains(form.Get("query"), "increase(fly_edge") || (end-start)/3600+1 > hours {
				w.WriteHeader(http.StatusUnprocessableEntity)
				_, _ = io.WriteString(w, `{"status":"error","errorType":"422","error":"cannot select more than 1e9 samples"}`)
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			sim.ServeHTTP(w, r)
		}))
		t.Cleanup(srv.Close)
		return sim, srv.URL + "/prometheus/acme"
	}
	ask := promapi.HistoryQuery{Apps: []string{"shop", "other", "third", "fourth"}, End: worldNow, Hours: 100}
	want, err := newClient(t, serve(t, smallSim(t)), testToken, nil).History(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("by app, then by time, with the same figures", func(t *testing.T) {
		_, base := strict(t, 2, 60)
		got, err := newClient(t, base, testToken, nil).History(t.Context(), ask)
		if diff := cmp.Diff(want, got, approx); err != nil || diff != "" {
			t.Errorf("%v\n%s", err, diff)
		}
	})
	t.Run("not for ever", func(t *testing.T) {
		sim, base := strict(t, 0, 0)
		_, err := newClient(t, base, testToken, nil).History(t.Context(), ask)
		checkError(t, err, promapi.Rejected, "cannot select more")
		if n := len(sim.Requests()); n > 40 {
			t.Errorf("%d requests", n)
		}
	})
}

func TestAnOutageIsToldFromAQuietApp(t *testing.T) {
	sim := newSim()
	var up []promsim.Sample
	for i := range 60 * 6 { // recorded until an hour before the end, but for the third hour
		if at := worldEnd.Add(time.Duration(i-7*60) * time.Minute); i/60 != 2 {
			up = append(up, promsim.Sample{Time: at.Add(30 * time.Second), Value: 1})
		}
	}
	if err := sim.Gauge("fly_instance_up", map[string]string{"app": "other", "instance": "m1"}, up); err != nil {
		t.Fatal(err)
	}
	// A Machine that stops when idle leaves only its traffic behind.
	newest := worldEnd.Add(-40 * time.Minute)
	for _, at := range []time.Time{newest.Add(-10 * time.Minute), newest} {
		if err := sim.Counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": "ams"}, []promsim.Sample{{Time: at, Value: float64(at.Minute())}}); err != nil {
			t.Fatal(err)
		}
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"quiet", "shop"}, End: worldNow, Hours: 8})
	if err != nil {
		t.Fatal(err)
	}
	want := []bool{false, true, true, false, true, true, true, true}
	for _, app := range []string{"quiet", "shop"} {
		if h := got[app]; !slices.Equal(h.OrgUp, want) || !h.Newest.Equal(newest) || h.Known != (app == "shop") {
			t.Errorf("%s: recorded %v, newest %s, known %t; want %v", app, h.OrgUp, h.Newest, h.Known, want)
		}
	}
	if h := got["quiet"]; h.Served != nil || h.ConcurrencyMean != nil || h.ConcurrencyMax != nil || len(h.Responses) != 0 || !math.IsNaN(h.ResponseTime) || len(h.ServedBy)+len(h.EdgeBytes)+len(h.EdgeTime)+len(h.AppTime)+len(h.Running) != 0 {
		t.Errorf("an app without series: %+v", h)
	}
}

func TestAnIdleOrganizationIsRecordedByItsProxies(t *testing.T) {
	sim := newSim()
	add := func(add func(string, map[string]string, []promsim.Sample) error, metric, app string, last time.Duration, more ...string) {
		t.Helper()
		var samples []promsim.Sample
		for at := worldNow.Add(-7 * time.Hour); !at.After(worldNow.Add(-last)); at = at.Add(time.Minute) {
			samples = append(samples, promsim.Sample{Time: at, Value: 100})
		}
		if err := add(metric, with(map[string]string{"app": app, "region": "ams"}, more...), samples); err != nil {
			t.Fatal(err)
		}
	}
	// All Machines stopped five hours ago; since then fly-proxy alone reports.
	for _, app := range []string{"shop", "blog"} {
		add(sim.Gauge, "fly_instance_up", app, 5*time.Hour, "instance", "m1")
	}
	add(sim.Counter, "fly_edge_http_responses_count", "shop", 2*time.Minute)
	add(sim.Gauge, "fly_app_concurrency", "blog", 3*time.Hour, "instance", "m1")
	// The labels of fly_instance_up, as a union of series must not lose it.
	add(sim.Gauge, "fly_app_concurrency", "shop", time.Minute, "instance", "m1")
	add(sim.Counter, "fly_edge_http_responses_count", "other", 0)
	client := newClient(t, serve(t, sim), testToken, nil)
	for _, c := range []struct {
		name string
		apps []string
		age  time.Duration
	}{
		{"its own proxies", []string{"shop"}, time.Minute},
		{"load without responses", []string{"blog"}, 3 * time.Hour},
		{"either app's", []string{"blog", "shop"}, time.Minute},
		{"an app without series has the organization's Machines", []string{"nobody"}, 5 * time.Hour},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: c.apps, End: worldNow, Hours: 8})
			if err != nil {
				t.Fatal(err)
			}
			for app, h := range got {
				if age := worldNow.Sub(h.Newest); age != c.age {
					t.Errorf("%s: newest sample %s old, want %s", app, age, c.age)
				}
			}
		})
	}
	t.Run("with more apps than one query takes", func(t *testing.T) {
		apps := []string{"shop"}
		for i := range 250 {
			apps = append(apps, fmt.Sprintf("app-%03d", i), fmt.Sprintf("zap-%03d", i))
		}
		got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: apps, End: worldNow, Hours: 8})
		if err != nil || worldNow.Sub(got["app-000"].Newest) != time.Minute || worldNow.Sub(got["zap-249"].Newest) != time.Minute {
			t.Errorf("newest %s and %s, %v; want a minute before %s", got["app-000"].Newest, got["zap-249"].Newest, err, worldNow)
		}
	})
}

func TestSamplesThatComeLateAreSeenToBeMissing(t *testing.T) {
	sim := smallSim(t)
	sim.Fail(promsim.Fault{Effect: promsim.Lag, Times: 100, Delay: 90 * time.Minute})
	client, _ := hasty(t, serve(t, sim))
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 2})
	if h := got["shop"]; err != nil || !h.Newest.Equal(worldNow.Add(-90*time.Minute)) || h.OrgUp[1] || !math.IsNaN(h.Served[1]) {
		t.Errorf("newest %s, recorded %v, served %v, %v", h.Newest, h.OrgUp, h.Served, err)
	}
}

func TestHalfAMeanIsNone(t *testing.T) {
	sim := newSim()
	for metric, region := range map[string]string{"_sum": "ams", "_count": "fra"} {
		var samples []promsim.Sample
		for i := range 180 {
			samples = append(samples, promsim.Sample{Time: worldEnd.Add(time.Duration(i-179) * time.Minute), Value: float64(i)})
		}
		for _, side := range []string{"edge", "app"} {
			if err := sim.Counter("fly_"+side+"_http_response_time_seconds"+metric, map[string]string{"app": "shop", "region": region}, samples); err != nil {
				t.Fatal(err)
			}
		}
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 2})
	if h := got["shop"]; err != nil || len(h.EdgeTime)+len(h.AppTime) != 0 || !math.IsNaN(h.ResponseTime) {
		t.Errorf("edge %v, app %v, mean %v, %v; want none", h.EdgeTime, h.AppTime, h.ResponseTime, err)
	}
}

// A Machine that moved to another host is one, whatever its two series say.
func TestAMachineIsUpOnce(t *testing.T) {
	sim := newSim()
	for host, minutes := range map[string][2]int{"a1b2": {0, 40}, "c3d4": {30, 60}} {
		var samples []promsim.Sample
		for i := minutes[0]; i < minutes[1]; i++ {
			samples = append(samples, promsim.Sample{Time: worldEnd.Add(time.Duration(i-120)*time.Minute + 30*time.Second), Value: 1})
		}
		if err := sim.Gauge("fly_instance_up", map[string]string{"app": "shop", "region": "ams", "instance": "m1", "host": host}, samples); err != nil {
			t.Fatal(err)
		}
	}
	var twos []promsim.Sample // nobody has said that the value is 1
	for i := range 240 {
		twos = append(twos, promsim.Sample{Time: worldEnd.Add(time.Duration(i-240)*time.Minute + 30*time.Second), Value: 2})
	}
	if err := sim.Gauge("fly_instance_up", map[string]string{"app": "shop", "region": "ams", "instance": "m2", "host": "a1b2"}, twos); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 4})
	if want := map[string]float64{"m1": 0.25, "m2": 1}; err != nil || !cmp.Equal(want, got["shop"].Running, approx) {
		t.Errorf("running %v, %v; want %v", got["shop"].Running, err, want)
	}
}
