//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/promapi"
	"github.com/fly-placer/fly-placer/internal/region"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

const fortnight = 14 * 24 * time.Hour

// A ledger is what was really asked of the app, minute by minute, apart from
// how the counters told it.
type ledger struct {
	now     time.Time                       // whole minute + 20 s
	entered map[string]map[string][]float64 // by edge region and status, per minute
	flying  []float64                       // requests in flight, per minute
	minutes []time.Time                     // when each is recorded
}

// newLedger makes two weeks and some hours: three regions with days of their
// own, and one that wakes up in the second week.
func newLedger(now time.Time) *ledger {
	l := &ledger{now: now.Truncate(time.Minute).Add(20 * time.Second), entered: map[string]map[string][]float64{}}
	for at := l.now.Add(-fortnight - 6*time.Hour).Truncate(time.Minute); !at.After(l.now); at = at.Add(time.Minute) {
		l.minutes = append(l.minutes, at)
	}
	late := l.now.Add(-5 * 24 * time.Hour)
	for i, region := range []string{"fra", "nrt", "lga", "gru"} {
		ok, bad := make([]float64, len(l.minutes)), make([]float64, len(l.minutes))
		for m, at := range l.minutes {
			if region == "gru" && at.Before(late) {
				continue
			}
			hour := float64(at.Hour()*60+at.Minute()) / 60
			ok[m] = math.Round(float64(400-90*i) * (1 + 0.7*math.Sin((hour+6*float64(i))/24*2*math.Pi)))
			bad[m] = float64((m + i) % 5)
		}
		l.entered[region] = map[string][]float64{"200": ok, "503": bad}
	}
	for m := range l.minutes {
		sum := 0.0
		for _, region := range l.regions() {
			sum += l.entered[region]["200"][m] + l.entered[region]["503"][m]
		}
		l.flying = append(l.flying, sum/60*0.25*(1+0.2*float64(m%3)))
	}
	return l
}

func (l *ledger) regions() []string { return slices.Sorted(maps.Keys(l.entered)) }

// write tells the ledger as Fly.io's metrics do: counters by host and proxy_id
// that begin again when a proxy restarts, which flips its proxy_id, and once
// without one (a reset in place).
func (l *ledger) write(w io.Writer) {
	for i, region := range l.regions() {
		l.counter(w, region, "fly_edge_data_out", "", func(m int) float64 { return l.bytes(region, m) })
		l.counter(w, region, "fly_edge_http_response_time_seconds_count", `,status="200"`, func(m int) float64 { return l.entered[region]["200"][m] })
		l.counter(w, region, "fly_edge_http_response_time_seconds_sum", `,status="200"`, func(m int) float64 { return l.entered[region]["200"][m] * edgeSeconds(i) })
		for _, status := range []string{"200", "503"} {
			l.counter(w, region, "fly_edge_http_responses_count", fmt.Sprintf(",status=%q", status), func(m int) float64 { return l.entered[region][status][m] })
		}
	}
	served, night := 0.0, "3d8d9000000003" // awake from 8 to 20 o'clock
	for m, at := range l.minutes {
		for _, region := range l.regions() {
			served += l.entered[region]["200"][m] + l.entered[region]["503"][m]
		}
		for _, id := range []string{"3d8d9000000001", "3d8d9000000002"} {
			fmt.Fprintf(w, "fly_app_http_responses_count{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q,status=\"200\"} %.1f %d\n", id, served/2, at.UnixMilli())
			fmt.Fprintf(w, "fly_app_http_response_time_seconds_count{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q,status=\"200\"} %.1f %d\n", id, served/2, at.UnixMilli())
			fmt.Fprintf(w, "fly_app_http_response_time_seconds_sum{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q,status=\"200\"} %.6f %d\n", id, served/2*appSeconds, at.UnixMilli())
			fmt.Fprintf(w, "fly_app_concurrency{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q} %.9f %d\n", id, l.flying[m]/2, at.UnixMilli())
			fmt.Fprintf(w, "fly_instance_up{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q} 1 %d\n", id, at.UnixMilli())
		}
		if at.Hour() >= 8 && at.Hour() < 20 {
			fmt.Fprintf(w, "fly_instance_up{app=\"shop\",region=\"iad\",host=\"c3d4\",instance=%q} 1 %d\n", night, at.UnixMilli())
		}
	}
}

// How long responses take at the Machines, and at the i-th edge.
const appSeconds = 0.125

func edgeSeconds(i int) float64 { return appSeconds + 0.03125*float64(i+1) }

// bytes is what left the edge in a minute: 3 kB for each response, 1 kB for
// each error.
func (l *ledger) bytes(region string, m int) float64 {
	return 3000*l.entered[region]["200"][m] + 1000*l.entered[region]["503"][m]
}

// counter writes one of an edge region's counters.
func (l *ledger) counter(w io.Writer, region, metric, labels string, grown func(m int) float64) {
	restarts := []time.Time{l.now.Add(-9 * 24 * time.Hour), l.now.Add(-4*24*time.Hour - 7*time.Hour)}
	reset := l.now.Add(-26 * time.Hour)
	count, proxy, next, done := 0.0, 0, 0, false
	for m, at := range l.minutes {
		if next < len(restarts) && at.After(restarts[next]) {
			count, proxy, next = 0, proxy+1, next+1
		}
		if !done && at.After(reset) {
			count, done = 0, true
		}
		count += grown(m)
		fmt.Fprintf(w, "%s{app=\"shop\",region=%q,host=\"a1b2\",proxy_id=%q%s} %v %d\n",
			metric, region, []string{"blue", "green"}[proxy%2], labels, count, at.UnixMilli())
	}
}

// between sums what entered after from and up to to.
func (l *ledger) between(region string, from, to time.Time, statuses ...string) float64 {
	sum := 0.0
	for m, at := range l.minutes {
		if at.After(from) && !at.After(to) {
			for _, status := range statuses {
				sum += l.entered[region][status][m]
			}
		}
	}
	return sum
}

// inFlight is the mean and the largest of an hour.
func (l *ledger) inFlight(from, to time.Time) (mean, top float64) {
	n := 0.0
	for m, at := range l.minutes {
		if at.After(from) && !at.After(to) {
			mean += l.flying[m]
			top = max(top, l.flying[m])
			n++
		}
	}
	return mean / n, top
}

// run runs the program in this process, at the ledger's time, against a real
// VictoriaMetrics that holds the ledger and the simulated Machines API.
func (l *ledger) run(t *testing.T, metrics string, args ...string) (stdout, dir string) {
	t.Helper()
	fly := flysim.New(flysim.Config{Token: flyToken, Now: func() time.Time { return l.now }})
	fly.AddApp(flysim.App{Name: "shop"})
	fly.AddWeb("shop", flysim.Web{Regions: map[string]int{"iad": 2}, SoftLimit: 20, HardLimit: 25})
	server := httptest.NewServer(fly)
	defer server.Close()
	dir = t.TempDir()
	var out, log bytes.Buffer
	status := action.Run(t.Context(), action.Process{
		Args: args, Dir: dir, Stdout: &out, Stderr: &log, Now: func() time.Time { return l.now },
		Environ: []string{"FLY_API_TOKEN=" + flyToken, "FLY_APP_NAME=shop", "FLY_PROMETHEUS_URL=" + metrics + organization, "INPUT_FLY-API-URL=" + server.URL},
	})
	if status != 0 {
		t.Fatalf("%v: exit status %d\n%s", args, status, &log)
	}
	return out.String(), dir
}

func TestFiguresAreThoseThatWereWritten(t *testing.T) {
	l := newLedger(time.Now())
	metrics := victoriaMetrics(t, func(w io.Writer, _ time.Time) { l.write(w) })

	for _, tt := range []struct {
		window, status string
		length         time.Duration
		counted        []string
	}{
		{"5m", "", 5 * time.Minute, []string{"200", "503"}},
		{"36h", "5..", 36 * time.Hour, []string{"503"}},  // across the reset
		{"10d", "2..", 240 * time.Hour, []string{"200"}}, // across a restart
	} {
		t.Run("traffic of "+tt.window+tt.status, func(t *testing.T) {
			out, _ := l.run(t, metrics, "traffic", "--window", tt.window, "--status", tt.status)
			var got map[string]float64
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, region := range l.regions() {
				near(t, region, got[region], l.between(region, l.now.Add(-tt.length), l.now, tt.counted...))
			}
			if len(got) != len(l.entered) {
				t.Errorf("%d regions, want %d: %s", len(got), len(l.entered), out)
			}
		})
	}

	t.Run("transfer, times and running hours", func(t *testing.T) {
		client, err := promapi.New(promapi.Options{BaseURL: metrics + organization, Now: func() time.Time { return l.now }})
		if err != nil {
			t.Fatal(err)
		}
		const hours = 13 * 24 // across both restarts and the reset
		all, err := client.History(t.Context(), promapi.HistoryQuery{Apps: []string{"shop"}, Hours: hours})
		if err != nil {
			t.Fatal(err)
		}
		end := l.now.Truncate(time.Hour)
		start, h, served := end.Add(-hours*time.Hour), all["shop"], 0.0
		for i, code := range l.regions() {
			good, bad := l.between(code, start, end, "200"), l.between(code, start, end, "503")
			at := h.EdgeTime[region.Code(code)]
			near(t, code+" bytes", h.EdgeBytes[region.Code(code)], 3000*good+1000*bad)
			near(t, code+" responses with a time", at.Count, good)
			near(t, code+" seconds", at.Seconds, good*edgeSeconds(i))
			served += good + bad
		}
		near(t, "responses of Machines", h.AppTime["iad"].Count, served)
		near(t, "seconds of Machines", h.AppTime["iad"].Seconds, served*appSeconds)
		near(t, "mean response time", h.ResponseTime, appSeconds)
		// The last sample before a stop counts for the minute after it as well.
		for id, want := range map[string]float64{"3d8d9000000001": 1, "3d8d9000000002": 1, "3d8d9000000003": 0.5 + 1.0/(24*60)} {
			near(t, "running hours of "+id, h.Running[id], want)
		}
	})

	t.Run("plan", func(t *testing.T) {
		_, dir := l.run(t, metrics, "plan", "--window", "14d", "--report-dir", "out")
		var problem struct {
			Edges []struct {
				Region   string
				Requests float64
				Demand   []float64
			}
			ValuePerMS float64 `json:"value_per_ms"`
		}
		read(t, filepath.Join(dir, "out/problem.json"), &problem)
		end := l.now.Truncate(time.Hour)
		start := end.Add(-fortnight)

		// Concurrency per request per second, and the peak inside an hour over its mean.
		flying, perSecond, burst, busiest := 0.0, 0.0, 1.0, 0.0
		for h := start; h.Before(end); h = h.Add(time.Hour) {
			mean, _ := l.inFlight(h, h.Add(time.Hour))
			busiest = max(busiest, mean)
		}
		all := 0.0
		for h := start; h.Before(end); h = h.Add(time.Hour) {
			mean, top := l.inFlight(h, h.Add(time.Hour))
			flying += mean
			for _, region := range l.regions() {
				n := l.between(region, h, h.Add(time.Hour), "200", "503")
				perSecond += n / 3600
				all += n
			}
			if mean >= busiest/10 {
				burst = max(burst, top/mean)
			}
		}
		if len(problem.Edges) != len(l.entered) {
			t.Fatalf("%d edges, want %d", len(problem.Edges), len(l.entered))
		}
		for _, e := range problem.Edges {
			near(t, e.Region+" requests", e.Requests, l.between(e.Region, start, end, "200", "503"))
			if len(e.Demand) != 168 {
				t.Fatalf("%s: %d hours, want a week", e.Region, len(e.Demand))
			}
			for i, got := range e.Demand {
				h := start.Add(time.Duration(i) * time.Hour)
				first := l.between(e.Region, h, h.Add(time.Hour), "200", "503")
				second := l.between(e.Region, h.Add(fortnight/2), h.Add(fortnight/2+time.Hour), "200", "503")
				near(t, fmt.Sprintf("%s in flight, hour %d", e.Region, i), got, max(first, second)/3600*flying/perSecond*burst)
			}
		}
		near(t, "value of a millisecond", problem.ValuePerMS, 0.005*all*30/14/1e6)
	})
}

// near compares two figures to a part in a million: concurrency goes through
// the decimal text of the metrics.
func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-6*math.Max(1, math.Abs(want)) {
		t.Errorf("%s: %v, want %v", what, got, want)
	}
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}
