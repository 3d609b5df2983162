package ghsim

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The shapes of answers: the fields that GitHub's OpenAPI description requires,
// and those that a reader of ours could want.

type simpleUser struct {
	Login             string `json:"login"`
	ID                int64  `json:"id"`
	NodeID            string `json:"node_id"`
	AvatarURL         string `json:"avatar_url"`
	GravatarID        string `json:"gravatar_id"`
	URL               string `json:"url"`
	HTMLURL           string `json:"html_url"`
	FollowersURL      string `json:"followers_url"`
	FollowingURL      string `json:"following_url"`
	GistsURL          string `json:"gists_url"`
	StarredURL        string `json:"starred_url"`
	SubscriptionsURL  string `json:"subscriptions_url"`
	OrganizationsURL  string `json:"organizations_url"`
	ReposURL          string `json:"repos_url"`
	EventsURL         string `json:"events_url"`
	ReceivedEventsURL string `json:"received_events_url"`
	Type              string `json:"type"`
	SiteAdmin         bool   `json:"site_admin"`
	UserViewType      string `json:"user_view_type"`
}

type publicUser struct {
	simpleUser
	Name        *string   `json:"name"`
	Company     *string   `json:"company"`
	Blog        *string   `json:"blog"`
	Location    *string   `json:"location"`
	Email       *string   `json:"email"`
	Hireable    *bool     `json:"hireable"`
	Bio         *string   `json:"bio"`
	PublicRepos int       `json:"public_repos"`
	PublicGists int       `json:"public_gists"`
	Followers   int       `json:"followers"`
	Following   int       `json:"following"`
	CreatedAt   time.Time `json:"created_at"`
	UpdatedAt   time.Time `json:"updated_at"`
}

type commentJSON struct {
	ID                int64      `json:"id"`
	NodeID            string     `json:"node_id"`
	URL               string     `json:"url"`
	HTMLURL           string     `json:"html_url"`
	IssueURL          string     `json:"issue_url"`
	Body              string     `json:"body"`
	User              simpleUser `json:"user"`
	CreatedAt         time.Time  `json:"created_at"`
	UpdatedAt         time.Time  `json:"updated_at"`
	AuthorAssociation string     `json:"author_association"`
	App               *appJSON   `json:"performed_via_github_app"`
}

type appJSON struct {
	ID          int64             `json:"id"`
	Slug        string            `json:"slug"`
	NodeID      string            `json:"node_id"`
	Owner       simpleUser        `json:"owner"`
	Name        string            `json:"name"`
	Description string            `json:"description"`
	ExternalURL string            `json:"external_url"`
	HTMLURL     string            `json:"html_url"`
	CreatedAt   time.Time         `json:"created_at"`
	UpdatedAt   time.Time         `json:"updated_at"`
	Permissions map[string]string `json:"permissions"`
	Events      []string          `json:"events"`
}

type contentJSON struct {
	Type        string       `json:"type"`
	Encoding    *string      `json:"encoding,omitempty"`
	Size        int          `json:"size"`
	Name        string       `json:"name"`
	Path        string       `json:"path"`
	Content     *string      `json:"content,omitempty"`
	Target      *string      `json:"target,omitempty"`
	SHA         string       `json:"sha"`
	URL         string       `json:"url"`
	GitURL      string       `json:"git_url"`
	HTMLURL     string       `json:"html_url"`
	DownloadURL *string      `json:"download_url"`
	Links       contentLinks `json:"_links"`
}

type contentLinks struct {
	Git  string `json:"git"`
	HTML string `json:"html"`
	Self string `json:"self"`
}

// epoch is when everything in the simulator that has no history was made.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func nodeID(kind string, id int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s%d", kind, id))
}

// knownIDs are the numbers of GitHub's own accounts, which every repository sees.
var knownIDs = map[string]int64{"github-actions[bot]": 41898282, "web-flow": 19864447}

// userID derives a stable number from a login (FNV-1a, 31 bits).
func userID(login string) int64 {
	if id := knownIDs[login]; id != 0 {
		return id
	}
	h := uint32(2166136261)
	for _, b := range []byte(login) {
		h = (h ^ uint32(b)) * 16777619
	}
	return int64(h >> 1)
}

// view writes what the simulator holds as seen from one address of it.
type view struct {
	*Server
	base string // scheme and host
}

// at returns the view of whoever sent a request.
func (s *Server) at(r *http.Request) view { return view{s, "http://" + r.Host} }

// api is the repository's address in the API.
func (v view) api() string { return v.base + "/repos/" + v.cfg.Repo }

// html is the repository's address for people.
func (v view) html() string { return v.base + "/" + v.cfg.Repo }

func (v view) user(who Identity) simpleUser {
	u := v.base + "/users/" + url.PathEscape(who.Login)
	kind := "User"
	if who.Kind == App {
		kind = "Bot"
	}
	id := userID(who.Login)
	return simpleUser{
		Login: who.Login, ID: id, NodeID: nodeID(kind, id), Type: kind, UserViewType: "public",
		AvatarURL: v.base + "/avatars/" + url.PathEscape(who.Login), URL: u, HTMLURL: v.base + "/" + url.PathEscape(who.Login),
		FollowersURL: u + "/followers", FollowingURL: u + "/following{/other_user}", GistsURL: u + "/gists{/gist_id}",
		StarredURL: u + "/starred{/owner}{/repo}", SubscriptionsURL: u + "/subscriptions", OrganizationsURL: u + "/orgs",
		ReposURL: u + "/repos", EventsURL: u + "/events{/privacy}", ReceivedEventsURL: u + "/received_events",
	}
}

func (v view) publicUser(who Identity) publicUser {
	return publicUser{simpleUser: v.user(who), PublicRepos: 1, CreatedAt: epoch, UpdatedAt: epoch}
}

func (s *Server) ownerLogin() string {
	name, _, _ := strings.Cut(s.cfg.Repo, "/")
	return name
}

func (v view) owner() simpleUser { return v.user(Identity{Kind: User, Login: v.ownerLogin()}) }

func (v view) comment(c *comment) commentJSON {
	api := v.api()
	out := commentJSON{
		ID: c.id, NodeID: nodeID("IssueComment", c.id), Body: c.body, User: v.user(c.author),
		URL:       fmt.Sprintf("%s/issues/comments/%d", api, c.id),
		HTMLURL:   fmt.Sprintf("%s/pull/%d#issuecomment-%d", v.html(), c.number, c.id),
		IssueURL:  fmt.Sprintf("%s/issues/%d", api, c.number),
		CreatedAt: c.created, UpdatedAt: c.updated, AuthorAssociation: "CONTRIBUTOR",
	}
	if c.author.Kind == App {
		slug := strings.TrimSuffix(c.author.Login, "[bot]")
		id := userID(slug)
		out.App = &appJSON{
			ID: id, Slug: slug, NodeID: nodeID("App", id), Owner: v.owner(), Name: slug,
			ExternalURL: v.base + "/features/actions", HTMLURL: v.base + "/apps/" + url.PathEscape(slug),
			CreatedAt: epoch, UpdatedAt: epoch, Permissions: map[string]string{"metadata": "read"}, Events: []string{},
		}
	}
	return out
}

// repoURLs are the address fields of a repository, below its own API address.
var repoURLs = map[string]string{
	"archive_url": "/{archive_format}{/ref}", "assignees_url": "/assignees{/user}", "blobs_url": "/git/blobs{/sha}",
	"branches_url": "/branches{/branch}", "collaborators_url": "/collaborators{/collaborator}", "comments_url": "/comments{/number}",
	"commits_url": "/commits{/sha}", "compare_url": "/compare/{base}...{head}", "contents_url": "/contents/{+path}",
	"contributors_url": "/contributors", "deployments_url": "/deployments", "downloads_url": "/downloads", "events_url": "/events",
	"forks_url": "/forks", "git_commits_url": "/git/commits{/sha}", "git_refs_url": "/git/refs{/sha}", "git_tags_url": "/git/tags{/sha}",
	"hooks_url": "/hooks", "issue_comment_url": "/issues/comments{/number}", "issue_events_url": "/issues/events{/number}",
	"issues_url": "/issues{/number}", "keys_url": "/keys{/key_id}", "labels_url": "/labels{/name}", "languages_url": "/languages",
	"merges_url": "/merges", "milestones_url": "/milestones{/number}", "notifications_url": "/notifications{?since,all,participating}",
	"pulls_url": "/pulls{/number}", "releases_url": "/releases{/id}", "stargazers_url": "/stargazers", "statuses_url": "/statuses/{sha}",
	"subscribers_url": "/subscribers", "subscription_url": "/subscription", "tags_url": "/tags", "teams_url": "/teams",
	"trees_url": "/git/trees{/sha}", "url": "",
}

// repository is the repository itself.
func (v view) repository() map[string]any { return v.repositoryNamed(v.cfg.Repo) }

// repositoryNamed is the repository, or a fork of it.
func (v view) repositoryNamed(full string) map[string]any {
	owner, name, _ := strings.Cut(full, "/")
	html := v.base + "/" + full
	_, host, _ := strings.Cut(v.base, "://")
	id := userID(full)
	out := map[string]any{
		"id": id, "node_id": nodeID("Repository", id), "name": name, "full_name": full, "owner": v.user(identityOf(owner)),
		"private": v.cfg.Private, "visibility": map[bool]string{true: "private", false: "public"}[v.cfg.Private],
		"html_url": html, "clone_url": html + ".git", "git_url": "git://" + host + "/" + full + ".git",
		"ssh_url": "git@" + host + ":" + full + ".git", "svn_url": html, "mirror_url": nil, "homepage": nil,
		"description": nil, "language": nil, "license": nil, "default_branch": v.cfg.Branch,
		"fork": full != v.cfg.Repo, "archived": false, "disabled": false, "has_issues": true, "has_projects": false, "has_wiki": false,
		"has_pages": false, "has_discussions": false, "has_downloads": false,
		"forks": 0, "forks_count": 0, "open_issues": v.openPulls(), "open_issues_count": v.openPulls(), "size": 1,
		"stargazers_count": 0, "watchers": 0, "watchers_count": 0,
		"created_at": epoch, "updated_at": epoch, "pushed_at": epoch,
	}
	for field, path := range repoURLs {
		out[field] = v.base + "/repos/" + full + path
	}
	return out
}
