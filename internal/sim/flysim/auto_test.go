package flysim_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

func TestSleepEndsWithTheContext(t *testing.T) {
	for name, clock := range map[string]*flysim.Clock{"moved": flysim.NewClock(), "automatic": flysim.NewAutoClock()} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
		if err := clock.Sleep(t.Context(), 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	clock := flysim.NewClock()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := clock.Sleep(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) || !clock.Now().Equal(flysim.Epoch) {
		t.Errorf("%v at %v", err, clock.Now())
	}
}

func TestTheClockMovesBesideAGoroutineThatNeverRests(t *testing.T) {
	clock := flysim.NewAutoClock()
	var over atomic.Bool
	var group sync.WaitGroup
	group.Go(func() {
		for !over.Load() {
			runtime.Gosched()
		}
	})
	if err := clock.Sleep(t.Context(), time.Hour); err != nil || !clock.Now().Equal(flysim.Epoch.Add(time.Hour)) {
		t.Errorf("%v at %v", err, clock.Now())
	}
	over.Store(true)
	group.Wait()
}

// A program with several goroutines does the same each time: the clock wakes
// them one by one.
func TestTheAutomaticClockIsDeterministic(t *testing.T) {
	run := func() (log []string) {
		clock := flysim.NewAutoClock()
		s := slow(t, clock)
		ids := []string{s.web("ams"), s.web("fra"), s.web("iad")}
		var group sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for i, id := range ids {
			// One after the other goes to sleep for the first time, until the same
			// moment.
			first := time.Duration(i+1) * time.Second
			group.Go(func() { // renews a lease
				_ = clock.Sleep(ctx, first)
				lease := shop + "/" + id + "/lease?ttl=30"
				nonce := s.do(201, "POST", lease, "")["data"].(map[string]any)["nonce"].(string)
				for wait := 10*time.Second - first; clock.Sleep(ctx, wait) == nil; wait = 10 * time.Second {
					s.do(201, "POST", lease, "", nonceHeader, nonce)
				}
			})
			group.Go(func() { // looks again and again
				_ = clock.Sleep(ctx, first+time.Millisecond)
				for wait := 7*time.Second - first - time.Millisecond; clock.Sleep(ctx, wait) == nil; wait = 7 * time.Second {
					s.do(200, "GET", shop+"/"+id, "")
				}
			})
		}
		id := s.newWeb("nrt")
		s.do(200, "GET", shop+"/"+id+"/wait?timeout=60", "")
		_ = clock.Sleep(ctx, 40*time.Second)
		cancel()
		group.Wait()
		for _, r := range s.Requests() {
			log = append(log, fmt.Sprint(r.At.Sub(flysim.Epoch), " ", r.Method, " ", r.Path))
		}
		return log
	}
	first := run()
	if len(first) < 3+12+15+2 {
		t.Fatalf("%d requests:\n%s", len(first), strings.Join(first, "\n"))
	}
	for range 4 {
		if again := run(); !slices.Equal(again, first) {
			t.Fatalf("not the same:\n%s\n\n%s", strings.Join(first, "\n"), strings.Join(again, "\n"))
		}
	}
}

// A hanging request holds the clock up only as long as it was told to.
func TestHangByTheClock(t *testing.T) {
	clock := flysim.NewAutoClock()
	s := start(t, flysim.Config{Clock: clock})
	s.web("ams")
	s.Inject(flysim.Fault{Kind: flysim.Hang, Hold: time.Minute, Times: 1})
	if _, _, err := s.try("GET", shop, ""); err == nil || !clock.Now().Equal(flysim.Epoch.Add(time.Minute)) {
		t.Errorf("%v at %v", err, clock.Now())
	}
	s.Inject(flysim.Fault{Kind: flysim.Hang})
	hung := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+shop, nil)
		if err == nil {
			var resp *http.Response
			if resp, err = s.client.Do(req); err == nil {
				resp.Body.Close()
			}
		}
		hung <- err
	}()
	for len(s.Requests()) < 2 {
		time.Sleep(100 * time.Microsecond)
	}
	slept := make(chan error, 1)
	go func() { slept <- clock.Sleep(t.Context(), time.Second) }()
	select {
	case <-slept:
		t.Error("the clock moved while a request hung")
	case <-time.After(20 * time.Millisecond):
	}
	cancel()
	if <-hung == nil || <-slept != nil {
		t.Error("nobody gave up")
	}
}

// BenchmarkJump measures how long a Sleep takes in real time, when the clock
// knows of every request that is sent and when it does not.
func BenchmarkJump(b *testing.B) {
	for name, counted := range map[string]bool{"transport": true, "ticks": false} {
		b.Run(name, func(b *testing.B) {
			clock := flysim.NewAutoClock()
			if counted {
				clock.Transport(nil)
			}
			for b.Loop() {
				_ = clock.Sleep(b.Context(), time.Second)
			}
		})
	}
}
