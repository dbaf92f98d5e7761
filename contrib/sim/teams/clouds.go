package teams

import (
	"net/http"
	"strings"

	"causeway/contrib/sim/teams/notify"
)

// Cloud is a deployment of Graph. What a cloud lacks by the page teamwork-national-cloud-differences is refused there.
type Cloud string

// The clouds.
const (
	Worldwide Cloud = ""
	GCC       Cloud = "gcc"
	GCCHigh   Cloud = "gcchigh"
	DoD       Cloud = "dod"
	China     Cloud = "china"
)

func (c Cloud) government() bool { return c == GCCHigh || c == DoD }

// issuers of tokens; those of the other clouds are not documented on the pages of Graph (choice).
func (c Cloud) issuers() notify.Issuers {
	switch c {
	case GCCHigh, DoD:
		return notify.Issuers{V1: notify.Worldwide.V1, V2: "https://login.microsoftonline.us/{tenantid}/v2.0"}
	case China:
		return notify.Issuers{V1: "https://sts.chinacloudapi.cn/{tenantid}/", V2: "https://login.partner.microsoftonline.cn/{tenantid}/v2.0"}
	}
	return notify.Worldwide
}

// notifies refuses subscriptions where Teams has no change notifications.
func (c Cloud) notifies() error {
	if c == China {
		return lacking("Change notifications for Teams resources")
	}
	return nil
}

// serves refuses operations that a cloud lacks.
func (c Cloud) serves(r *route, appOnly bool) error {
	path := r.template
	switch {
	case c == Worldwide:
	case r.method == http.MethodPatch && strings.Contains(path, "/messages/"):
		return lacking("Edits of messages")
	case c == GCC:
	case c.government() && (strings.HasSuffix(path, "/softDelete") || strings.HasSuffix(path, "/undoSoftDelete")):
		return lacking("Deletions of messages")
	case strings.HasSuffix(path, "/allChannels"):
		return lacking("Shared channels")
	case c == China && appOnly && strings.Contains(path, "/hostedContents"):
		return lacking("Hosted contents without a user")
	}
	return nil
}

// lacking is the refusal of something that the cloud does not have (choice: neither status nor text are documented).
func lacking(what string) *graphError {
	return refuse(http.StatusNotImplemented, "NotImplemented", "%s are not available in this national cloud.", what)
}
