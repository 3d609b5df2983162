package promapi_test

import (
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

// A gateway says 503 where the server needs too long for all of the hours.
func TestAQueryThatIsTooMuchForAGatewayIsHalved(t *testing.T) {
	sim := smallSim(t)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(body))
		start, _ := strconv.Atoi(form.Get("start"))
		end, _ := strconv.Atoi(form.Get("end"))
		if (end-start)/3600+1 > 60 {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = io.WriteString(w, "upstream request timeout")
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		sim.ServeHTTP(w, r)
	}))
	defer srv.Close()
	ask := promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 100}
	want, err := newClient(t, serve(t, smallSim(t)), testToken, nil).History(t.Context(), ask)
	if err != nil {
		t.Fatal(err)
	}
	client, _ := hasty(t, srv.URL+"/prometheus/acme")
	got, err := client.History(t.Context(), ask)
	if diff := cmp.Diff(want, got, approx); err != nil || diff != "" {
		t.Errorf("%v\n%s", err, diff)
	}
}

// fly-proxy says that Machines answered, and nothing else says anything: the
// requests came from inside Fly's network.
func TestAnAppThatAnswersIsRecorded(t *testing.T) {
	sim := newSim()
	var samples []promsim.Sample
	for i := range 180 { // the last three hours, but nothing in the first of four
		samples = append(samples, promsim.Sample{Time: worldEnd.Add(time.Duration(i-179) * time.Minute), Value: 100 + float64(i)})
	}
	if err := sim.Counter("fly_app_http_responses_count", map[string]string{"app": "shop", "region": "ams", "instance": "m1", "status": "200"}, samples); err != nil {
		t.Fatal(err)
	}
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"quiet", "shop"}, End: worldNow, Hours: 4})
	if err != nil {
		t.Fatal(err)
	}
	for _, app := range []string{"quiet", "shop"} {
		if want := []bool{false, true, true, true}; !slices.Equal(got[app].OrgUp, want) {
			t.Errorf("%s: recorded %v, want %v", app, got[app].OrgUp, want)
		}
	}
}

func TestNegativeValuesAreLeftOutWithAWarning(t *testing.T) {
	sim := newSim()
	gauge := func(app string, value func(i int) float64) {
		var samples []promsim.Sample
		for i := range 180 { // the third hour of three is the last
			samples = append(samples, promsim.Sample{Time: worldEnd.Add(time.Duration(i-179) * time.Minute), Value: value(i)})
		}
		if err := sim.Gauge("fly_app_concurrency", map[string]string{"app": app, "instance": "m-" + app}, samples); err != nil {
			t.Fatal(err)
		}
	}
	gauge("shop", func(i int) float64 {
		if i >= 120 {
			return -3
		}
		return 2
	})
	client := newClient(t, serve(t, sim), testToken, nil)
	got, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, End: worldNow, Hours: 3})
	if err != nil {
		t.Fatal(err)
	}
	h := got["shop"]
	for what, hours := range map[string][]float64{"mean": h.ConcurrencyMean, "highest": h.ConcurrencyMax} {
		if len(hours) != 3 || hours[1] != 2 || !math.IsNaN(hours[2]) {
			t.Errorf("%s concurrency %v: want none in the last hour", what, hours)
		}
	}
	want := []string{
		"infinite or negative values were left out (highest concurrency)",
		"infinite or negative values were left out (mean concurrency)",
	}
	if !slices.Equal(h.Warnings, want) {
		t.Errorf("warnings %q, want %q", h.Warnings, want)
	}
}
