package promsim

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// retention is how far back samples are seen, as Fly.io's documentation says.
const retention = 15 * 24 * time.Hour

// A Config says whose metrics are simulated. The zero value serves any
// organization to any token of the right scheme, by the real clock.
type Config struct {
	Org   string           // slug in the path; empty: any
	Token string           // bare token, without a scheme; empty: any
	Now   func() time.Time // nil: time.Now
}

// A Sample is a value at a time.
type Sample struct {
	Time  time.Time // whole milliseconds
	Value float64
}

// A Request is what a client sent, for tests to look at.
type Request struct {
	Method, Path, UserAgent string
	Scheme                  string // of the Authorization header, without the token
	Kind                    Kind   // of the query; empty when it has no known shape
	Form                    url.Values
	Status                  int // answered; 0 when the connection was dropped
}

// A Server is an http.Handler that holds samples. It is safe for concurrent
// use; samples are best added before it serves.
type Server struct {
	cfg Config

	mu       sync.RWMutex
	metrics  map[string][]*series // by metric name, sorted by labels
	faults   []*Fault
	requests []Request
}

// New returns a Server without samples.
func New(cfg Config) *Server {
	if cfg.Now == nil {
		cfg.Now = time.Now //nolint:forbidigo // the default of a seam
	}
	return &Server{cfg: cfg, metrics: map[string][]*series{}}
}

// Counter adds a series of a counter. Samples must be in order of time;
// adding to a series that exists appends.
func (s *Server) Counter(metric string, labels map[string]string, samples []Sample) error {
	return s.add(metric, labels, samples)
}

// Gauge adds a series of a gauge, likewise. The server stores both alike, as
// VictoriaMetrics does.
func (s *Server) Gauge(metric string, labels map[string]string, samples []Sample) error {
	return s.add(metric, labels, samples)
}

func (s *Server) add(metric string, labels map[string]string, samples []Sample) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := renderLabels(labels)
	list := s.metrics[metric]
	at, found := slices.BinarySearchFunc(list, key, func(x *series, key string) int { return strings.Compare(x.key, key) })
	if !found {
		list = slices.Insert(list, at, &series{metric: metric, key: key, labels: maps.Clone(labels)})
		s.metrics[metric] = list
	}
	if err := list[at].append(samples); err != nil {
		return fmt.Errorf("add samples of %s%s: %w", metric, key, err)
	}
	return nil
}

// Export writes all samples in the Prometheus text format with times in
// milliseconds, sorted, as /api/v1/import/prometheus takes them.
func (s *Server) Export(w io.Writer) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var line []byte
	for _, metric := range slices.Sorted(maps.Keys(s.metrics)) {
		for _, x := range s.metrics[metric] {
			for i, t := range x.times {
				line = append(line[:0], metric+x.key+" "...)
				line = strconv.AppendFloat(line, x.values[i], 'g', -1, 64)
				line = append(line, ' ')
				line = strconv.AppendInt(line, t, 10)
				line = append(line, '\n')
				if _, err := w.Write(line); err != nil {
					return fmt.Errorf("export samples: %w", err)
				}
			}
		}
	}
	return nil
}

// Requests returns what was asked so far.
func (s *Server) Requests() []Request {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.requests)
}

// ServeHTTP answers a query, or fails as a Fault says.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	log := Request{Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(), Scheme: scheme}
	err := r.ParseForm()
	log.Form = r.Form
	q, parseErr := parseQuery(r.Form.Get("query"))
	log.Kind = q.kind
	fault := s.pickFault(log.Kind)
	rec := &recorder{ResponseWriter: w}
	defer func() {
		log.Status = rec.status
		s.mu.Lock()
		s.requests = append(s.requests, log)
		s.mu.Unlock()
		if fault != nil && (fault.Effect == Reset || fault.Effect == Truncate) {
			panic(http.ErrAbortHandler) // net/http's way to drop the connection
		}
	}()
	if fault != nil && fault.instead(rec, r) {
		return
	}
	if refuse(rec, s.denied(scheme, token)) {
		return
	}
	org, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/prometheus/"), "/")
	instant := path == "api/v1/query"
	switch {
	case !strings.HasPrefix(r.URL.Path, "/prometheus/") || !instant && path != "api/v1/query_range":
		fail(rec, http.StatusNotFound, "unsupported path requested: "+r.URL.Path)
	case s.cfg.Org != "" && org != s.cfg.Org:
		fail(rec, http.StatusNotFound, "organization not found")
	case r.Method != http.MethodGet && r.Method != http.MethodPost:
		fail(rec, http.StatusMethodNotAllowed, "method not allowed")
	case err != nil:
		fail(rec, http.StatusBadRequest, "cannot parse form")
	case r.Form.Get("query") == "":
		fail(rec, http.StatusUnprocessableEntity, "missing `query` arg")
	case parseErr != nil:
		fail(rec, http.StatusUnprocessableEntity, parseErr.Error())
	default:
		grid, err := parseGrid(r.Form, instant, s.cfg.Now())
		if err != nil {
			fail(rec, http.StatusUnprocessableEntity, err.Error())
			return
		}
		s.answer(rec, q, grid, fault)
	}
}

// answer evaluates q and writes the result, spoilt as fault says.
func (s *Server) answer(w http.ResponseWriter, q parsed, g grid, fault *Fault) {
	now := s.cfg.Now()
	seen := horizon{from: now.Add(-retention).UnixMilli(), to: now.UnixMilli()}
	if fault != nil && fault.Effect == Lag {
		seen.to -= fault.Delay.Milliseconds()
	}
	s.mu.RLock()
	rows := s.eval(q, g, seen)
	s.mu.RUnlock()
	body := encode(rows, g)
	if fault != nil {
		body = fault.spoil(rows, g, body)
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a client that has gone needs no answer
}

// A denial is why a request is not let in.
type denial struct {
	status int
	text   string
}

// denied checks the Authorization header like Fly.io: a macaroon needs the
// scheme FlyV1 and is misleadingly refused under Bearer; any other token is a
// Bearer token.
func (s *Server) denied(scheme, token string) denial {
	macaroon := strings.HasPrefix(token, "fm2_") || strings.HasPrefix(token, "fm1r_") || strings.HasPrefix(token, "fm1a_")
	switch {
	case token == "":
		return denial{http.StatusUnauthorized, "missing authorization"}
	case scheme == "Bearer" && (macaroon || strings.HasPrefix(token, "FlyV1 ")), scheme == "FlyV1" && !macaroon:
		return denial{http.StatusUnauthorized, "something went wrong resolving organization"}
	case scheme != "Bearer" && scheme != "FlyV1", s.cfg.Token != "" && token != s.cfg.Token:
		return denial{http.StatusUnauthorized, "unauthorized"}
	}
	return denial{}
}

func refuse(w http.ResponseWriter, d denial) bool {
	if d.status != 0 {
		fail(w, d.status, d.text)
	}
	return d.status != 0
}

// fail writes an error envelope as VictoriaMetrics does: errorType is the
// status.
func fail(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"status":"error","errorType":"%d","error":%s}`, status, quoteJSON(text))
}

// recorder notes the status that was sent.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap gives http.ResponseController the writer below.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
