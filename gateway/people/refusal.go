package people

import (
	"errors"
	"fmt"
	"net/http"

	"causeway/bridge"
	"causeway/gateway/store"
)

// refusal is why somebody cannot go on, in words for them. Nothing was stored.
type refusal struct {
	title string
	text  []string
	// again: the same step can be tried again.
	again bool
	// apart: the accounts are not connected.
	apart  bool
	status int
}

func (r *refusal) Error() string { return r.title }

// refuse words a refusal: what is wrong, and what to do.
func refuse(title string, text ...string) *refusal {
	return &refusal{title: title, text: text, status: http.StatusForbidden}
}

// retry is a refusal after which the same step can be tried again.
func retry(title string, text ...string) *refusal {
	r := refuse(title, text...)
	r.again = true
	return r
}

// The refusals that are always the same.
var (
	errLink = &refusal{title: "This link is not good any more", status: http.StatusGone, text: []string{
		"It has been used, a newer one has taken its place, or its 15 minutes are over. Nothing has been changed.",
		"Type the connect command again to get a new link; the status command says whether you are connected already."}}
	errBrowser = &refusal{title: "This browser has not begun here", status: http.StatusForbidden, text: []string{
		"Connecting must be done from the beginning to the end in one browser, and this one does not know of it: it was begun in another browser or window, or cookies are blocked. Nothing has been changed.",
		"Open the link that Causeway gave you in this browser, and allow cookies for this address."}}
	errState = &refusal{title: "This step was done already", status: http.StatusConflict, again: true, text: []string{
		"Perhaps it is open in a second tab, the page was loaded again, or an old address was opened. Nothing has been changed by this page.",
		"Go on where you stand now."}}
	errForeign = &refusal{title: "This address is not good", status: http.StatusBadRequest, text: []string{
		"It was not made by Causeway, or has been changed on its way. Nothing has been changed.",
		"Type the connect command to get a link."}}
	errMe = &refusal{title: "This link is not good any more", status: http.StatusGone, text: []string{
		"A link to your page holds for 15 minutes. Type the status command to get a new one."}}
)

// explained turns what went wrong into a refusal. what is what was to be done: "signing in to Mattermost".
func (p *People) explained(err error, a Account, what string) *refusal {
	var known *refusal
	var own *bridge.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, store.ErrNoWalk):
		return errLink
	case errors.Is(err, store.ErrConnectedElsewhere):
		return refuse("One of these accounts is connected already", "It is connected with another account. Disconnect it there first, or ask your administrator.")
	case errors.Is(err, store.ErrTooMany):
		return refuse("No more people can be connected at present", "As many are connected as the administrator allows. Ask them to allow more.")
	case errors.Is(err, store.ErrLeaving):
		return retry("Still being disconnected", "What has to be done after your last disconnecting is not finished. Try again in a few minutes.")
	}
	if errors.As(err, &own) && own.Kind == bridge.Rejected && own.Hint != "" {
		return refuse("This account cannot be connected", own.Hint)
	}
	cause := errors.New(bridge.Cause(err))
	if a.Bridge == nil {
		p.o.Log.WithError(cause).Warnf("connecting somebody: %s failed", what)
		r := retry("That did not work just now", fmt.Sprintf("Causeway has a difficulty of its own while %s. Nothing has been changed.", what), "Try again in a few minutes; if it stays so, tell your administrator.")
		r.status = http.StatusServiceUnavailable
		return r
	}
	p.o.Log.WithField("account", string(a.Name)).WithError(cause).Warnf("connecting somebody: %s failed", what)
	r := retry(a.Title+" did not answer as it should", fmt.Sprintf("It failed while %s. Nothing has been changed.", what),
		"Try again in a few minutes; if it stays so, tell your administrator.")
	r.status = http.StatusBadGateway
	return r
}
