package mattermost

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/mattermost/mattermost/server/public/model"

	"causeway/bridge"
)

// operation is what a request wants, as far as its errors differ by it.
type operation uint8

const (
	// opRead changes nothing.
	opRead operation = 1 << iota
	// opPost makes something new: doing it twice makes two.
	opPost
	// opChange edits, deletes or reacts: doing it twice is harmless.
	opChange
	opText
	// opEdit is a change of a text, which people change, too: it must be told whether it may have taken effect.
	opEdit = opChange | opText
	opAny  = opRead | opPost | opChange
)

// Hints name the operator's next step.
const (
	hintToken    = "make a new token for the bot and put it into the config; is the bot enabled, and the person who owns it active?"
	hintMember   = "the bot must be a member of the channel: type \"/invite @%s\" there"
	hintArchived = "the channel is archived: unarchive it, or take it out of the gateway"
	hintCommon   = "the bot and the person need a common team, as RestrictDirectMessage is set"
	hintPeople   = "the two people need a common team, as RestrictDirectMessage is set"
	hintTooLarge = "the server or a proxy before it limits the size of requests (MaximumPayloadSizeBytes)"
	hintAddress  = "is Server in the config the address that people open in the browser?"
	hintRate     = "raise RateLimitSettings.PerSec and MaxBurst on the server"

	hintFilesOff     = "files are switched off on that Mattermost server"
	hintLargeFile    = "it is larger than Mattermost takes there"
	hintLargePicture = "the picture has more pixels than Mattermost takes there"
	hintFilePlugin   = "a plugin of that Mattermost server does not take it"

	hintGrant     = "the person has to connect again"
	hintTokensOff = "switch on ServiceSettings.EnableUserAccessTokens (System Console > Integrations), or set Profile = \"restricted\""
	hintOAuthOff  = "switch on ServiceSettings.EnableOAuthServiceProvider (System Console > Integrations)"
	hintSecret    = "is OAuthClientSecret the secret of the app that OAuthClientID names?"
	hintElsewhere = "the person is not a member of the channel, or may not do that there"
	hintUsers     = "give the bot the permission sysconsole_write_user_management_users; docs/mattermost-bot.md says how"
	hintGroups    = "Mattermost has groups with a licence only: custom ones with Professional and above, where ServiceSettings.EnableCustomGroups is on; those of LDAP with Enterprise"
	hintLDAP      = "LDAP or SAML switches this account on and off: disable it there"
)

// rule says what an answer means. The first rule that fits counts.
type rule struct {
	// id is AppError.Id, which unlike the message is never translated; a last "*" stands for any rest, and "*" alone for any
	// error that is Mattermost's own. Empty: also answers that are not, such as a proxy's.
	id string
	// status of the answer; 0: any.
	status int
	ops    operation
	kind   bridge.Kind
	scope  bridge.Scope
	hint   string
}

// rules are sorted from the special to the general. Ids are those of Mattermost 11.1.
var rules = []rule{
	{"", http.StatusTooManyRequests, opAny, bridge.Throttled, bridge.ScopeAccount, hintRate},
	// Only somebody who would deactivate himself is answered so.
	{"api.user.update_active.not_enable.app_error", http.StatusUnauthorized, opChange, bridge.Rejected, bridge.ScopeConversation, ""},
	{"", http.StatusUnauthorized, opAny, bridge.Unauthorised, bridge.ScopeAccount, hintToken},

	// Acting as people. A refresh token that has been used is not found any more.
	{"app.user_access_token.disabled", 0, opAny, bridge.Unauthorised, bridge.ScopePerson, hintTokensOff},
	{"api.oauth.get_access_token.disabled.app_error", 0, opPost, bridge.Unauthorised, bridge.ScopePerson, hintOAuthOff},
	{"api.oauth.get_access_token.refresh_token.app_error", 0, opPost, bridge.Unauthorised, bridge.ScopePerson, hintGrant},
	{"api.oauth.get_access_token.missing_refresh_token.app_error", 0, opPost, bridge.Unauthorised, bridge.ScopePerson, hintGrant},
	{"api.oauth.get_access_token.internal_user.app_error", 0, opPost, bridge.Unauthorised, bridge.ScopePerson, hintGrant},
	// The app was deleted, and all its tokens with it.
	{"api.oauth.get_access_token.credentials.app_error", http.StatusNotFound, opPost, bridge.Unauthorised, bridge.ScopePerson, hintGrant},
	{"api.oauth.get_access_token.credentials.app_error", http.StatusForbidden, opPost, bridge.Transient, bridge.ScopePerson, hintSecret},
	{"api.oauth.get_access_token.expired_code.app_error", 0, opPost, bridge.Rejected, bridge.ScopePerson, ""},
	{"api.user.update_active.cannot_modify_status_when_user_is_managed_by_ldap.app_error", 0, opChange, bridge.Rejected, bridge.ScopeConversation, hintLDAP},
	{"api.user.update_active.permissions.app_error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintUsers},

	// Groups (source: licensedAndConfiguredForGroupBySource and requireLicense in channels/api4).
	{"api.license_error", 0, opRead, bridge.Unsupported, bridge.ScopeConversation, hintGroups},
	{"api.ldap_groups.license_error", 0, opRead, bridge.Unsupported, bridge.ScopeConversation, hintGroups},
	{"api.custom_groups.*", 0, opRead, bridge.Unsupported, bridge.ScopeConversation, hintGroups},

	// A repeat while the first is under way, or after its post was deleted. "Look first, then write again."
	{"api.post.deduplicate_create_post.*", 0, opPost, bridge.Uncertain, bridge.ScopeConversation, ""},
	{"api.post.error_get_post_id.pending", 0, opPost, bridge.Uncertain, bridge.ScopeConversation, ""},

	// The root was deleted, or is no root of this channel.
	{"api.post.create_post.root_id.app_error", 0, opPost, bridge.Gone, bridge.ScopeConversation, ""},
	{"api.post.create_post.channel_root_id.app_error", 0, opPost, bridge.Gone, bridge.ScopeConversation, ""},
	{"model.post.is_valid.root_id.app_error", 0, opPost, bridge.Gone, bridge.ScopeConversation, ""},
	{"api.post.update_post.permissions_details.app_error", 0, opChange, bridge.Gone, bridge.ScopeConversation, ""},
	{"api.post.update_post.find.app_error", 0, opChange, bridge.Gone, bridge.ScopeConversation, ""},
	{"app.post.get.app_error", http.StatusBadRequest, opChange, bridge.Gone, bridge.ScopeConversation, ""},

	// Custom emoji are switched off, or there is no place for their pictures (GetEmojiByName, 403).
	{"api.emoji.disabled.app_error", 0, opChange, bridge.Unsupported, bridge.ScopeConversation, ""},
	{"api.emoji.storage.app_error", 0, opChange, bridge.Unsupported, bridge.ScopeConversation, ""},

	// An archived channel may come back: what waits for it is kept.
	{"api.post.create_post.can_not_post_to_deleted.error", 0, opPost, bridge.Unauthorised, bridge.ScopeConversation, hintArchived},
	{"api.post.update_post.can_not_update_post_in_deleted.error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintArchived},
	{"api.post.delete_post.can_not_delete_post_in_deleted.error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintArchived},
	{"api.reaction.save.archived_channel.app_error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintArchived},
	{"api.reaction.delete.archived_channel.app_error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintArchived},
	{"api.channel.create_channel.direct_channel.team_restricted_error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintPeople},
	{"api.post.create_post.can_not_post_in_restricted_dm.error", 0, opPost, bridge.Unauthorised, bridge.ScopeConversation, hintCommon},
	{"api.post.update_post.can_not_update_post_in_restricted_dm.error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintCommon},
	{"api.post.delete_post.can_not_delete_from_restricted_dm.error", 0, opChange, bridge.Unauthorised, bridge.ScopeConversation, hintCommon},

	// The gateway has something to fall back to.
	{"api.post.update_post.permissions_time_limit.app_error", 0, opChange, bridge.Unsupported, bridge.ScopeConversation, "PostEditTimeLimit is set on the server"},
	{"app.reaction.save.save.too_many_reactions", 0, opChange, bridge.Unsupported, bridge.ScopeConversation, ""},
	{"app.emoji.get_by_name.no_result", 0, opChange, bridge.Unsupported, bridge.ScopeConversation, ""},

	// Files. What the server says of them is for people.
	{"api.file.attachments.disabled.app_error", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintFilesOff},
	{"api.file.upload_file.too_large*", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintLargeFile},
	{"api.upload.create.upload_too_large.app_error", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintLargeFile},
	{"api.file.upload_file.large_image*", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintLargePicture},
	{"app.upload.upload_data.large_image.app_error", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintLargePicture},
	{"app.upload.run_plugins_hook.rejected", 0, opPost, bridge.Rejected, bridge.ScopeConversation, hintFilePlugin},
	{"app.upload.create.cannot_upload_to_deleted_channel.app_error", 0, opPost, bridge.Transient, bridge.ScopeConversation, hintArchived},
	// Another attempt is still being received, or has just been broken off; the next one asks where the server is.
	{"app.upload.upload_data.*", 0, opPost, bridge.Transient, bridge.ScopeConversation, ""},
	{"api.upload.upload_data.*", 0, opPost, bridge.Transient, bridge.ScopeConversation, ""},

	{"", http.StatusRequestEntityTooLarge, opAny, bridge.Rejected, bridge.ScopeConversation, hintTooLarge},
	// The path itself is unknown: not a Mattermost server, or a very old one.
	{"api.context.404.app_error", 0, opAny, bridge.Transient, bridge.ScopeAccount, hintAddress},
	{"*", http.StatusNotFound, opAny, bridge.Gone, bridge.ScopeConversation, ""},
	{"*", http.StatusForbidden, opAny, bridge.Unauthorised, bridge.ScopeConversation, hintMember},
	{"*", http.StatusBadRequest, opAny, bridge.Rejected, bridge.ScopeConversation, ""},
	{"*", http.StatusNotImplemented, opAny, bridge.Unsupported, bridge.ScopeConversation, ""},
	{"", http.StatusMovedPermanently, opAny, bridge.Transient, bridge.ScopeAccount, hintAddress},
	{"", http.StatusFound, opAny, bridge.Transient, bridge.ScopeAccount, hintAddress},
	{"", http.StatusTemporaryRedirect, opAny, bridge.Transient, bridge.ScopeAccount, hintAddress},
	{"", http.StatusPermanentRedirect, opAny, bridge.Transient, bridge.ScopeAccount, hintAddress},
	// A proxy gave up waiting for what it had sent on.
	{"", http.StatusRequestTimeout, opPost | opText, bridge.Uncertain, bridge.ScopeConversation, ""},
}

func (r rule) fits(op operation, status int, id string) bool {
	switch {
	case r.ops&op == 0, r.status != 0 && r.status != status:
		return false
	case r.id == "":
		return true
	}
	prefix, open := strings.CutSuffix(r.id, "*")
	if open {
		return id != "" && strings.HasPrefix(id, prefix)
	}
	return id == r.id
}

// ofPerson gives what the same answer means to a person's token: one that is not good any more is theirs alone, and what they may
// not do the relay may do.
func (r rule) ofPerson() rule {
	switch {
	case r.kind == bridge.Unauthorised && r.scope == bridge.ScopeAccount:
		r.scope, r.hint = bridge.ScopePerson, hintGrant
	case r.kind == bridge.Unauthorised && r.hint == hintMember:
		r.kind, r.scope, r.hint = bridge.Unsupported, bridge.ScopePerson, hintElsewhere
	}
	return r
}

// verdict finds what an answer other than success means.
func verdict(op operation, status int, id string) rule {
	for _, r := range rules {
		if r.fits(op, status, id) {
			return r
		}
	}
	unknown := rule{kind: bridge.Transient}
	if status >= http.StatusInternalServerError && op&(opPost|opText) != 0 {
		unknown.kind = bridge.Uncertain
	}
	return unknown
}

// refused makes the error for an answer other than success. Its text holds nothing of a body that is not Mattermost's own.
func (c *client) refused(op operation, answer *http.Response, cause error) error {
	var app *model.AppError
	id, text := "", "HTTP "+answer.Status
	if errors.As(cause, &app) && app.Id != "" {
		id = app.Id
		text = fmt.Sprintf("%s [%s, HTTP %d]", strings.TrimSpace(app.Message), app.Id, answer.StatusCode)
	}
	r := verdict(op, answer.StatusCode, id)
	if c.person {
		r = r.ofPerson()
	}
	e := &bridge.Error{Kind: r.kind, Scope: r.scope, Hint: r.hint, Err: errors.New(c.scrub(text))}
	if r.hint == hintMember {
		e.Hint = fmt.Sprintf(hintMember, c.botName())
	}
	if r.kind == bridge.Unauthorised && r.scope == bridge.ScopeAccount {
		c.refusals.Add(1)
		select {
		case c.nudge <- struct{}{}:
		default:
		}
	}
	if r.kind == bridge.Throttled {
		e.After = retryAfter(answer.Header, time.Now())
	}
	return e
}

// longestRest is how long one answer has Causeway wait at most: whatever a proxy says, trying again once an hour harms nobody.
const longestRest = time.Hour

// retryAfter reads how long to wait: Retry-After in seconds or as a date, else X-Ratelimit-Reset in seconds, else a second.
func retryAfter(h http.Header, now time.Time) time.Duration {
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset"} {
		value := strings.TrimSpace(h.Get(name))
		if seconds, err := strconv.Atoi(value); seconds >= 0 && (err == nil || errors.Is(err, strconv.ErrRange)) { // what is out of range is the largest number
			return time.Duration(min(max(seconds, 1), int(longestRest/time.Second))) * time.Second
		}
		if at, err := http.ParseTime(value); err == nil {
			return min(max(at.Sub(now), time.Second), longestRest)
		}
	}
	return time.Second
}

// unanswered makes the error for a request without an answer. Sent: the server may have got it.
func (c *client) unanswered(op operation, sent bool, cause error) error {
	e := &bridge.Error{Kind: bridge.Transient, Err: cause}
	if sent && op != opRead {
		e.Kind = bridge.Uncertain
	}
	if !sent && !errors.Is(cause, context.Canceled) && isCertificateError(cause) {
		e.Scope = bridge.ScopeAccount
		e.Hint = "CAFile in the config names the authority that signed the server's certificate"
	}
	return e
}

// unreadable makes the error for an answer that says success but cannot be understood.
func unreadable(op operation, cause error) error {
	e := &bridge.Error{Kind: bridge.Transient, Err: fmt.Errorf("reading the answer: %w", cause), Hint: hintAddress}
	if op != opRead {
		e.Kind = bridge.Uncertain
	}
	return e
}

func gone(format string, args ...any) error {
	return &bridge.Error{Kind: bridge.Gone, Err: fmt.Errorf(format, args...)}
}

func unsupported(format string, args ...any) error {
	return &bridge.Error{Kind: bridge.Unsupported, Err: fmt.Errorf(format, args...)}
}

// lost says whether a person's token is not good any more.
func lost(err error) bool {
	return bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopePerson
}

// forbidden says whether the bot may not do this one thing.
func forbidden(err error) bool {
	return bridge.KindOf(err) == bridge.Unauthorised && bridge.ScopeOf(err) == bridge.ScopeConversation
}

// lacking puts the permission that the bot needs into the place of the hint about its channels.
func lacking(err error, permissions string) error {
	var e *bridge.Error
	if !forbidden(err) || !errors.As(err, &e) {
		return err
	}
	return &bridge.Error{Kind: bridge.Unauthorised, Hint: "give the bot the permission " + permissions + "; docs/mattermost-bot.md says how", Err: e.Err}
}

// bare gives the cause without its hint.
func bare(err error) error {
	var e *bridge.Error
	if errors.As(err, &e) {
		return e.Err
	}
	return err
}
