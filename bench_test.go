package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/action"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
	"github.com/fly-placer/fly-placer/internal/sim/promsim"
)

// BenchmarkPlanWithAPIs50msAway runs a whole plan of one app, in process,
// against APIs that take 50 ms for each answer. waves counts the sequential
// round trips: how often requests began while none was under way. The floor
// beside it is what these round trips alone take.
func BenchmarkPlanWithAPIs50msAway(b *testing.B) {
	const away = 50 * time.Millisecond
	now := time.Now()
	fly := flysim.New(flysim.Config{Token: scriptToken, Now: time.Now})
	fly.AddApp(flysim.App{Name: "shop", Org: "acme"})
	fly.AddWeb("shop", flysim.Web{Regions: map[string]int{"iad": 4, "ord": 2}, SoftLimit: 20, HardLimit: 25})
	metrics := promsim.New(promsim.Config{Token: scriptToken})
	h := history{s: metrics, from: now.Add(-170 * time.Hour), to: now}
	for code, rps := range map[string]float64{
		"ams": 24, "arn": 11, "bom": 21, "cdg": 27, "dfw": 5, "ewr": 9, "fra": 46, "gru": 7, "iad": 13,
		"jnb": 3, "lax": 6, "lhr": 33, "nrt": 12, "ord": 6, "sin": 18, "sjc": 5, "syd": 6, "yyz": 4,
	} {
		h.counter("fly_edge_http_responses_count", map[string]string{"app": "shop", "region": code, "status": "200"}, rps)
	}
	for _, m := range fly.Machines("shop") {
		labels := map[string]string{"app": "shop", "region": m.Region, "instance": m.ID}
		h.gauge("fly_instance_up", labels, 1)
		h.gauge("fly_app_concurrency", labels, 4)
		h.counter("fly_app_http_responses_count", labels, 40)
	}
	if h.err != nil {
		b.Fatal(h.err)
	}
	d := &distant{away: away}
	flyServer, metricsServer := httptest.NewServer(d.wrap(fly)), httptest.NewServer(d.wrap(metrics))
	defer flyServer.Close()
	defer metricsServer.Close()

	for b.Loop() {
		var log bytes.Buffer
		status := action.Run(b.Context(), action.Process{
			Args: []string{"plan", "--app", "shop"}, Dir: b.TempDir(), Stdout: io.Discard, Stderr: &log, Now: time.Now,
			Environ: []string{"FLY_API_TOKEN=" + scriptToken, "FLY_PROMETHEUS_URL=" + metricsServer.URL + "/prometheus/acme", "INPUT_FLY-API-URL=" + flyServer.URL},
		})
		if status != 0 {
			b.Fatalf("status %d: %s", status, &log)
		}
	}
	waves := float64(d.waves) / float64(b.N)
	b.ReportMetric(waves, "waves/op")
	b.ReportMetric(float64(d.requests)/float64(b.N), "requests/op")
	b.ReportMetric(waves*float64(away.Milliseconds()), "floor-ms/op")
}

// distant puts servers a fixed time away.
type distant struct {
	away time.Duration

	mu                        sync.Mutex
	underWay, waves, requests int
}

func (d *distant) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.mu.Lock()
		if d.underWay == 0 {
			d.waves++
		}
		d.underWay++
		d.requests++
		d.mu.Unlock()
		time.Sleep(d.away)
		next.ServeHTTP(w, r)
		d.mu.Lock()
		d.underWay--
		d.mu.Unlock()
	})
}
