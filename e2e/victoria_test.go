//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os/exec"
	"testing"
	"time"
)

// organization is the path under which Fly.io serves a personal organization's
// metrics.
const organization = "/prometheus/personal"

// victoriaMetrics runs a VictoriaMetrics until the test ends, filled with the
// samples that fill writes in the Prometheus text format. It returns the
// address, without the organization's path.
func victoriaMetrics(t *testing.T, fill func(io.Writer, time.Time)) string {
	t.Helper()
	address := freeAddress(t)
	base := "http://" + address
	var log bytes.Buffer
	server := exec.CommandContext(t.Context(), "victoria-metrics",
		"-httpListenAddr", address, "-http.pathPrefix", organization, "-storageDataPath", t.TempDir(),
		"-retentionPeriod", "31d", "-search.latencyOffset", "0s", "-loggerLevel", "WARN")
	server.Stdout, server.Stderr = &log, &log
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if t.Failed() && log.Len() > 0 {
			t.Logf("victoria-metrics:\n%s", &log)
		}
	})
	await(t, base+organization+"/health")

	var samples bytes.Buffer
	fill(&samples, time.Now())
	post(t, base+organization+"/api/v1/import/prometheus", &samples)
	// Samples are searchable once they are flushed from memory.
	post(t, base+organization+"/internal/force_flush", nil)
	return base
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// await waits until url answers 200.
func await(t *testing.T, url string) {
	t.Helper()
	for range 300 {
		if resp, err := http.Get(url); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s does not answer within 15 s", url)
}

func post(t *testing.T, url string, body io.Reader) {
	t.Helper()
	resp, err := http.Post(url, "text/plain", body)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if answer, _ := io.ReadAll(resp.Body); resp.StatusCode >= http.StatusMultipleChoices {
		t.Fatalf("POST %s: %s: %s", url, resp.Status, answer)
	}
}

// writeTraffic writes eight days of an app up to now, a sample a minute:
// requests enter in fra and ams by day and in ord around the clock, and the
// machines, all in ord, serve them.
func writeTraffic(w io.Writer, now time.Time, app string, machines []string) {
	edges := []struct {
		region    string
		perMinute float64
		swing     float64 // share of it that comes and goes with the day
	}{{"ams", 300, 0.8}, {"fra", 600, 0.8}, {"ord", 90, 0}}
	start := now.Add(-8 * 24 * time.Hour).Truncate(time.Minute)
	count, total := make([]float64, len(edges)), 0.0
	for at := start; at.Before(now); at = at.Add(time.Minute) {
		day := math.Sin(2 * math.Pi * float64(at.Hour()*60+at.Minute()) / (24 * 60))
		sum := 0.0
		for i, edge := range edges {
			requests := math.Round(edge.perMinute * (1 + edge.swing*day))
			count[i] += requests
			sum += requests
			fmt.Fprintf(w, "fly_edge_http_responses_count{app=%q,region=%q,host=\"a1b2\",proxy_id=\"blue\",status=\"200\"} %.0f %d\n",
				app, edge.region, count[i], at.UnixMilli())
		}
		total += sum
		for _, machine := range machines {
			fmt.Fprintf(w, "fly_app_http_responses_count{app=%q,region=\"ord\",host=\"c3d4\",instance=%q,status=\"200\"} %.0f %d\n",
				app, machine, total/float64(len(machines)), at.UnixMilli())
			fmt.Fprintf(w, "fly_app_concurrency{app=%q,region=\"ord\",host=\"c3d4\",instance=%q} %.3f %d\n",
				app, machine, sum/200, at.UnixMilli())
			fmt.Fprintf(w, "fly_instance_up{app=%q,region=\"ord\",host=\"c3d4\",instance=%q} 1 %d\n", app, machine, at.UnixMilli())
		}
	}
}
