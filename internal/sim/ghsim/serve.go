package ghsim

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

const maxBody = 1 << 20

type callerKey struct{}

// caller returns who sent the request; nil for an anonymous one.
func caller(r *http.Request) *Identity {
	id, _ := r.Context().Value(callerKey{}).(*Identity)
	return id
}

// ServeHTTP answers one request: prefix, fault, token, route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		answerError(w, http.StatusRequestEntityTooLarge, "Request body is too large")
		return
	}
	r2 := r.Clone(r.Context())
	r2.Body = io.NopCloser(bytes.NewReader(body))
	r2.URL.Path, r2.URL.RawPath = withoutPrefix(r.URL.Path), ""

	s.mu.Lock()
	n := len(s.requests)
	s.requests = append(s.requests, Request{
		Method: r2.Method, Path: r2.URL.Path, Query: r2.URL.RawQuery, Body: string(body), Auth: r.Header.Get("Authorization") != "",
	})
	fault := s.faultLocked(r2)
	s.mu.Unlock()

	rec := &recorder{ResponseWriter: w, header: http.Header{}}
	rec.header.Set("X-Github-Request-Id", fmt.Sprintf("SIM:%04d", n+1))
	defer func() {
		s.mu.Lock()
		s.requests[n].Status = rec.status
		s.mu.Unlock()
	}()
	if fault != nil {
		s.misbehave(rec, r2, *fault)
		return
	}
	s.handle(rec, r2)
	rec.flush()
}

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	rateLimit(w.Header(), 999, farAway)
	if r.Header.Get("User-Agent") == "" {
		answerError(w, http.StatusForbidden, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
		return
	}
	if header := r.Header.Get("Authorization"); header != "" {
		scheme, token, _ := strings.Cut(header, " ")
		id, known := s.cfg.Tokens[token]
		if !known || (!strings.EqualFold(scheme, "bearer") && !strings.EqualFold(scheme, "token")) {
			answerError(w, http.StatusUnauthorized, "Bad credentials")
			return
		}
		r = r.WithContext(context.WithValue(r.Context(), callerKey{}, &id))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mux.ServeHTTP(w, r)
}

// withoutPrefix takes away what GitHub Enterprise Server puts before its paths.
func withoutPrefix(path string) string {
	if path == "/api/graphql" {
		return "/graphql"
	}
	if rest, ok := strings.CutPrefix(path, "/api/v3/"); ok {
		return "/" + rest
	}
	return path
}

func answer(w http.ResponseWriter, status int, v any) {
	data, err := json.Marshal(v)
	if err != nil {
		answerError(w, http.StatusInternalServerError, "Server Error")
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(data) // an answer that its reader no longer wants
}

type errorBody struct {
	Message string       `json:"message"`
	Errors  []fieldError `json:"errors,omitempty"`
	DocsURL string       `json:"documentation_url"`
	Status  string       `json:"status"`
}

type fieldError struct {
	Resource string `json:"resource"`
	Code     string `json:"code"`
	Field    string `json:"field,omitempty"`
	Message  string `json:"message,omitempty"`
}

func answerError(w http.ResponseWriter, status int, message string, fields ...fieldError) {
	answer(w, status, errorBody{Message: message, Errors: fields, DocsURL: "https://docs.github.com/rest", Status: fmt.Sprint(status)})
}

// invalid answers that a value of the request will not do.
func invalid(w http.ResponseWriter, f fieldError) {
	answerError(w, http.StatusUnprocessableEntity, "Validation Failed", f)
}

// unprocessable answers 422 in a sentence of its own.
func unprocessable(w http.ResponseWriter, message string) {
	answerError(w, http.StatusUnprocessableEntity, message)
}

// decode reads the body of a request; it answers for the server when it cannot.
func decode(w http.ResponseWriter, r *http.Request, into any) bool {
	if json.NewDecoder(r.Body).Decode(into) != nil {
		answerError(w, http.StatusBadRequest, "Problems parsing JSON")
		return false
	}
	return true
}

// answerPage answers with one page of a list.
func answerPage[T any](w http.ResponseWriter, r *http.Request, all []T) {
	page, perPage := paging(r.URL.Query())
	from := min((page-1)*perPage, len(all))
	to := min(from+perPage, len(all))
	if link := links(r, page, perPage, len(all)); link != "" {
		w.Header().Set("Link", link)
	}
	answer(w, http.StatusOK, append([]T{}, all[from:to]...))
}

func notFound(w http.ResponseWriter) { answerError(w, http.StatusNotFound, "Not Found") }

// recorder holds an answer back until it is certain that it shall go out whole.
type recorder struct {
	http.ResponseWriter
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

func (r *recorder) flush() {
	maps.Copy(r.ResponseWriter.Header(), r.header)
	r.ResponseWriter.WriteHeader(r.status)
	_, _ = r.ResponseWriter.Write(r.body.Bytes()) // the reader may be gone; nothing to tell it
}
