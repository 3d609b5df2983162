// Package ghsim is a GitHub that fits in a test: the part of the REST API in
// which Fly Placer proposes, reviews and merges (git data, contents, commits, pull
// requests, reviews, labels, comments) and the GraphQL queries that tell who a
// token is and who edited a comment. It answers with the fields that GitHub's
// OpenAPI description requires, pages as GitHub pages, knows the permissions of a
// workflow's token, and is hostile on request (see [Fault]).
//
// Behind it lies a git repository with real hashes (package gitsim). People act on
// it by methods ([Server.Commit], [Server.Review], [Server.Merge], …), and
// [Server.Events] writes the payloads that a workflow would get of it.
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

	"github.com/fly-placer/fly-placer/internal/sim/ghsim/gitsim"
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
	// Scopes are those of a User's classic token; nil: a fine-grained one, whose
	// answers do not name any.
	Scopes []string
}

// Config describes the simulated GitHub. The zero value is a public repository
// octo/shop with an empty default branch, pull request 1 and the token
// [DefaultToken].
type Config struct {
	Repo    string              // owner/name; empty: octo/shop
	Private bool                // a private repository hides itself from strangers
	Branch  string              // default branch; empty: main
	Pulls   []int               // numbers of its open pull requests; empty: 1; -1: none
	Tokens  map[string]Identity // by token; empty: DefaultToken, an App's
	Now     func() time.Time    // nil: a clock that starts in 2026 and goes on one second each time it is read
	// Collaborators may be asked for a review; empty: alice, bob and the owner.
	Collaborators []string
	Teams         []string // that may be asked too, by slug
	Settings      Settings
	// ListLag is how many listings (of their first page) a new comment is missing
	// from, and a deleted one still part of.
	ListLag int
	// PullLag is how many listings a new pull request is missing from, and how many
	// times a commit is asked for its pull requests before it knows a new merge.
	PullLag int
	// CRLF hands comment bodies back with the line ends of a web form.
	CRLF bool
	// NoGraphQL makes GraphQL answer 404, as where a proxy lets only REST through.
	NoGraphQL bool
	Faults    []Fault
}

// Settings are what an owner can choose for the repository.
type Settings struct {
	// NoActionsPulls forbids GITHUB_TOKEN to create pull requests: "Allow GitHub
	// Actions to create and approve pull requests" is off, as it is by default.
	NoActionsPulls      bool
	NoDrafts            bool // draft pull requests are not part of the owner's plan
	DeleteMerged        bool // the head branch goes when its pull request is merged
	DismissStaleReviews bool // a push to the head takes its approvals away
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

// Server is the simulated GitHub, an http.Handler. It is safe for concurrent use:
// exported methods and whole requests take mu, everything else needs it.
type Server struct {
	cfg Config
	mux *http.ServeMux

	mu       sync.Mutex
	git      *gitsim.Store
	pulls    []*pull    // ascending numbers
	comments []*comment // ascending ids
	labels   []string   // of the repository
	requests []Request
	faults   []*faultState
	nextID   int64
	lists    int // listings of comments begun, for ListLag
	ticks    int // seconds that the built-in clock went on
	// For PullLag: listings of pull requests, and questions of commits for theirs.
	pullLists, commitPulls int
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
	s := &Server{cfg: cfg, git: gitsim.New(), nextID: 1001}
	if len(cfg.Collaborators) == 0 {
		s.cfg.Collaborators = []string{"alice", "bob", s.ownerLogin()}
	}
	for _, f := range cfg.Faults {
		s.faults = append(s.faults, &faultState{Fault: f})
	}
	s.routes()
	s.commitFiles(s.ownerLogin(), cfg.Branch, "Initial commit", nil)
	for _, n := range cfg.Pulls {
		if n > 0 {
			s.addPull(n)
		}
	}
	return s
}

type comment struct {
	id               int64
	number           int
	author           Identity
	body             string
	created, updated time.Time
	visibleFrom      int       // the first listing that has it
	goneFrom         int       // the first listing that no longer has it; 0: not deleted
	editor           string    // login of who edited it last; empty: nobody
	edited           time.Time // and when
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

// identityOf returns who a login belongs to: one that ends in [bot] is an App's.
func identityOf(login string) Identity {
	if strings.HasSuffix(login, "[bot]") {
		return Identity{Kind: App, Login: login}
	}
	return Identity{Kind: User, Login: login}
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
	c := s.addComment(number, identityOf(login), body)
	c.visibleFrom = 0
	return c.id
}

// AddFile commits a file to the default branch.
func (s *Server) AddFile(path string, data []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitFiles(s.ownerLogin(), s.cfg.Branch, "Add "+path, map[string]gitsim.File{path: {Mode: gitsim.ModeFile, SHA: s.git.PutBlob(data)}})
}

// AddSymlink commits a symbolic link to the default branch. Its target is taken to
// be no normal file of the repository, so that GitHub would describe the link
// rather than follow it.
func (s *Server) AddSymlink(path, target string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commitFiles(s.ownerLogin(), s.cfg.Branch, "Add "+path, map[string]gitsim.File{path: {Mode: gitsim.ModeSymlink, SHA: s.git.PutBlob([]byte(target))}})
}

// AddPull opens a pull request of a number of one's own choice, from a branch
// change-<number> with one commit.
func (s *Server) AddPull(number int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pull(number) == nil {
		s.addPull(number)
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

func (s *Server) addComment(number int, author Identity, body string) *comment {
	c := &comment{
		id: s.nextID, number: number, author: author, body: body, created: s.now(),
		visibleFrom: s.lists + 1 + s.cfg.ListLag,
	}
	c.updated = c.created
	s.nextID++
	s.comments = append(s.comments, c)
	return c
}

// now reads the clock.
func (s *Server) now() time.Time {
	if s.cfg.Now != nil {
		return s.cfg.Now().UTC().Truncate(time.Second)
	}
	s.ticks++
	return time.Date(2026, 1, 1, 0, 0, s.ticks, 0, time.UTC)
}
