// Package ghsim is a GitHub that fits in a test: the part of the REST API that
// Fly Placer calls (issue comments, contents, repository, pull request, user)
// and the GraphQL query that tells a token who it is. It answers with the fields
// that GitHub's OpenAPI description requires, pages as GitHub pages, knows the
// permissions of a workflow's token, and is hostile on request (see [Fault]).
//
// It is served as it is, or below /api/v3 like GitHub Enterprise Server (then
// GraphQL is at /api/graphql); both work at once. The zero [Config] works.
package ghsim

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// DefaultToken is the token that the simulator knows when [Config] names none.
// Its prefix says that it is an installation's, as GITHUB_TOKEN is.
const DefaultToken = "ghs_simulated"

// Kind says what a token belongs to.
type Kind int

const (
	// App is the installation of a GitHub App: GITHUB_TOKEN ("github-actions[bot]")
	// or another App's token. GET /user is forbidden to it.
	App Kind = iota
	// User is a person with a personal access token.
	User
)

// Identity is who acts when a token is used.
type Identity struct {
	Kind  Kind
	Login string // of an App with its "[bot]"; empty: github-actions[bot], or "octocat" for a User
	// Permissions of an App's token: scope ("contents", "issues", "pull-requests")
	// to "read" or "write"; a scope that is not there is none, as in a workflow that
	// has a permissions key. A nil map grants write on all.
	Permissions map[string]string
}

// Config describes the simulated GitHub. The zero value is a public repository
// octo/shop with pull request 1 and the token [DefaultToken].
type Config struct {
	Repo    string              // owner/name; empty: octo/shop
	Private bool                // a private repository hides itself from strangers
	Branch  string              // default branch; empty: main
	Pulls   []int               // numbers of its open pull requests; empty: 1
	Tokens  map[string]Identity // by token; empty: DefaultToken, an App's
	Now     func() time.Time    // nil: a clock that starts in 2026 and goes on one second a comment
	// ListLag is how many listings (of their first page) a new comment is missing
	// from, and a deleted one still part of.
	ListLag int
	// CRLF hands comment bodies back with the line ends of a web form.
	CRLF bool
	// NoGraphQL makes GraphQL answer 404, as where a proxy lets only REST through.
	NoGraphQL bool
	Faults    []Fault
}

// Request is one request as the simulator saw it.
type Request struct {
	Method string
	Path   string // without /api/v3
	Query  string // raw
	Body   string // as sent; empty for requests without one
	Auth   bool   // it carried an Authorization header
	Status int    // of the answer; 0: the connection was cut
}

// Server is the simulated GitHub, an http.Handler. It is safe for concurrent use.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	comments []*comment // ascending ids
	files    map[string]file
	pulls    []int
	requests []Request
	faults   []*faultState
	nextID   int64
	lists    int // listings begun, for ListLag
	ticks    int // seconds that the built-in clock went on
}

type comment struct {
	id               int64
	number           int
	author           Identity
	body             string
	created, updated time.Time
	visibleFrom      int // the first listing that has it
	goneFrom         int // the first listing that no longer has it; 0: not deleted
}

type file struct {
	data   []byte
	target string // of a symbolic link
}

// New returns a simulated GitHub.
func New(cfg Config) *Server {
	cfg.Repo = cmp.Or(cfg.Repo, "octo/shop")
	cfg.Branch = cmp.Or(cfg.Branch, "main")
	if len(cfg.Pulls) == 0 {
		cfg.Pulls = []int{1}
	}
	tokens := map[string]Identity{}
	for token, id := range cfg.Tokens {
		tokens[token] = id.withLogin()
	}
	if len(tokens) == 0 {
		tokens[DefaultToken] = Identity{}.withLogin()
	}
	cfg.Tokens = tokens
	s := &Server{cfg: cfg, pulls: slices.Sorted(slices.Values(cfg.Pulls)), files: map[string]file{}, nextID: 1001}
	for _, f := range cfg.Faults {
		s.faults = append(s.faults, &faultState{Fault: f})
	}
	s.mux = http.NewServeMux()
	s.mux.HandleFunc("GET /user", s.getUser)
	s.mux.HandleFunc("POST /graphql", s.graphQL)
	s.mux.HandleFunc("GET /repos/{owner}/{repo}", s.getRepo)
	s.mux.HandleFunc("GET /repos/{owner}/{repo}/contents", s.getContents)
	s.mux.HandleFunc("GET /repos/{owner}/{repo}/contents/{path...}", s.getContents)
	s.mux.HandleFunc("GET /repos/{owner}/{repo}/pulls/{number}", s.getPull)
	s.mux.HandleFunc("/repos/{owner}/{repo}/issues/{a}/{b}", s.routeComments)
	s.mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { notFound(w) })
	return s
}

func (id Identity) withLogin() Identity {
	if id.Login == "" {
		id.Login = "github-actions[bot]"
		if id.Kind == User {
			id.Login = "octocat"
		}
	}
	return id
}

// Comment is a comment as [Server.Comments] shows it.
type Comment struct {
	ID     int64
	Author string // login
	Body   string
}

// Comments returns the comments of an issue or pull request, oldest first,
// whatever a lagging list would show.
func (s *Server) Comments(number int) []Comment {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Comment
	for _, c := range s.comments {
		if c.number == number && c.goneFrom == 0 {
			out = append(out, Comment{ID: c.id, Author: c.author.Login, Body: c.body})
		}
	}
	return out
}

// AddComment puts a comment of somebody on an issue or pull request, at once
// visible in lists, and returns its id. A login that ends in [bot] is an App's.
func (s *Server) AddComment(number int, login, body string) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	kind := User
	if strings.HasSuffix(login, "[bot]") {
		kind = App
	}
	c := s.addLocked(number, Identity{Kind: kind, Login: login}, body)
	c.visibleFrom = 0
	return c.id
}

// AddFile puts a file into the repository, on every ref.
func (s *Server) AddFile(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = file{data: slices.Clone(data)}
}

// AddSymlink puts a symbolic link into the repository, on every ref. Its target
// is taken to be no normal file of the repository, so that GitHub would describe
// the link rather than follow it.
func (s *Server) AddSymlink(path, target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[path] = file{target: target}
}

// AddPull opens a pull request.
func (s *Server) AddPull(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.pulls, number) {
		s.pulls = append(s.pulls, number)
		slices.Sort(s.pulls)
	}
}

// AddFault adds a fault; its count of requests starts now.
func (s *Server) AddFault(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &faultState{Fault: f})
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns every request so far, in order of arrival.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.requests)
}

// Writes returns the requests so far that create, change or delete something.
func (s *Server) Writes() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool {
		return r.Method == http.MethodGet || r.Path == "/graphql"
	})
}

// addLocked needs s.mu.
func (s *Server) addLocked(number int, author Identity, body string) *comment {
	c := &comment{
		id: s.nextID, number: number, author: author, body: body, created: s.nowLocked(),
		visibleFrom: s.lists + 1 + s.cfg.ListLag,
	}
	c.updated = c.created
	s.nextID++
	s.comments = append(s.comments, c)
	return c
}

// nowLocked needs s.mu.
func (s *Server) nowLocked() time.Time {
	if s.cfg.Now != nil {
		return s.cfg.Now().UTC().Truncate(time.Second)
	}
	s.ticks++
	return time.Date(2026, 1, 1, 0, 0, s.ticks, 0, time.UTC)
}
