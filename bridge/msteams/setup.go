package msteams

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"causeway/bridge"
)

// Options of `causeway setup msteams`.
const (
	setupCloud       = "cloud"
	setupDirect      = "direct"
	setupNoFiles     = "no-files"
	setupCertificate = "certificate"
)

// graphApp is the id of Microsoft Graph in every directory.
const graphApp = "00000003-0000-0000-c000-000000000000"

// permissionIDs are what manifests call permissions, the same in every directory (Microsoft's page "Microsoft Graph permissions reference"). One that is not here
// is looked up in the directory by its name.
var permissionIDs = map[bool]map[string]string{
	false: { // application
		readMessages:     "7b2449af-6ccd-4f4d-9f78-e550c193f0d1",
		readChannels:     "59a6b24b-4225-4393-8165-ebaec5f55d7a",
		readMembers:      "3b55498e-47ec-484f-8136-9013221c06a9",
		readUsers:        "97235f07-e226-4f63-ace3-39588e11d3a1",
		readAllOfUsers:   "df021288-bdef-4463-88db-98f22de89214",
		readApps:         "9a5d68dd-52b0-4cc2-bd40-abcf44ac3a30",
		readChats:        "b2e060da-3baf-4687-9611-f4ebc0f0cbde",
		readChatMessages: "6b7d71aa-70aa-4810-a8d9-5d9fb2830017",
	},
	true: { // delegated
		sendMessages:     "ebf0f66e-9fb1-49e4-a278-222f76911cf4",
		changeMessages:   "5922d31f-46c8-4404-9eaf-2117e390a8a4",
		writeFiles:       "863451e7-0667-486c-a5d6-d135439485f0",
		createChats:      "38826093-1258-4dea-98f0-00003be2b8d0",
		sendInChats:      "116b7235-7cc6-461e-b163-8e55691d839e",
		changeChats:      "9ff7295e-131b-4d94-90e1-69fde507ac11",
		readChannels:     "9d8982ae-4365-4f57-95e9-d6032a4c0b87",
		readTeams:        "485be79e-c497-4b35-9400-0e3fa7f2a5d4",
		readMe:           "e1fe6dd8-ba31-4d61-89e7-88639da4683d",
		"openid":         "37f7f235-527c-4136-accd-4a02d197296e",
		"profile":        "14dad69e-099b-42c9-810b-d002981feec1",
		"offline_access": "7427e0e9-2fba-42fe-b0c0-848c9e6a8182",
	},
}

// portals are where apps are registered, and what Azure's command line calls the cloud, where it is not the worldwide one.
var portals = map[string][2]string{
	"gcchigh": {"https://entra.microsoft.us", "AzureUSGovernment"},
	"dod":     {"https://entra.microsoft.us", "AzureUSGovernment"},
	"china":   {"https://portal.azure.cn", "AzureChinaCloud"},
}

// grant is a permission that the app registration is to have.
type grant struct {
	name      string
	delegated bool
	why       string
}

func (g grant) id() string { return permissionIDs[g.delegated][g.name] }

// kind is what manifests call it.
func (g grant) kind() string {
	if g.delegated {
		return "Scope"
	}
	return "Role"
}

// registration is an app as it is to be registered.
type registration struct {
	a        *account
	redirect string
	// unreachable: direct messages were asked for, of people who cannot connect.
	unreachable bool
}

// setUp is `causeway setup msteams`. It reaches nothing: who may register an app differs from who runs Causeway.
func setUp(_ context.Context, call bridge.SetupCall) error {
	s := Settings{}
	if there, ok := call.Settings.(*Settings); ok {
		s = *there
	}
	if cloud := call.Option(setupCloud); cloud != "" {
		s.Cloud = cloud
	}
	s.NoFiles = s.NoFiles || call.Has(setupNoFiles)
	if call.Has(setupCertificate) {
		s.ClientCertificateFile = "teams.pem"
	}
	a := &account{settings: s, env: bridge.Env{Account: call.Account, Direct: call.Has(setupDirect) && call.Redirect != ""}}
	var known bool
	if a.cloud, known = cloudOf(s); !known {
		return fmt.Errorf("--cloud must be %s", cloudNames())
	}
	if call.PublicURL != "" {
		a.env.Hook = call.PublicURL + "/hooks/" + string(call.Account)
	}
	r := registration{a, call.Redirect, call.Has(setupDirect) && call.Redirect == ""}
	call.Desk.Say(r.text())
	return nil
}

// grants are those that are needed for what is chosen. People can connect where sign-ins can come back.
func (r registration) grants() []grant {
	people := r.redirect != ""
	var all []grant
	for _, op := range operations {
		wanted := op.Permission != "" && r.a.uses(op) && (op.Relay || !op.Person || people) && (op.Permission != readAllOfUsers || people)
		g := grant{name: op.Permission, delegated: op.Delegated()}
		if !wanted || slices.ContainsFunc(all, func(o grant) bool { return o.name == g.name && o.delegated == g.delegated }) {
			continue
		}
		g.why = r.why(g)
		all = append(all, g)
	}
	if people { // it contains the smaller one
		all = slices.DeleteFunc(all, func(g grant) bool { return g.name == readUsers && !g.delegated })
	}
	all = append(all, grant{"offline_access", true, "to stay signed in"})
	if people {
		all = append(all, grant{"openid", true, "to see who signs in"}, grant{"profile", true, "to see who signs in"})
	}
	slices.SortStableFunc(all, func(x, y grant) int { return strings.Compare(x.kind(), y.kind()) })
	return all
}

func (r registration) why(g grant) string {
	var reasons []string
	for _, op := range operations {
		if op.Permission == g.name && op.Delegated() == g.delegated && r.a.uses(op) && !slices.Contains(reasons, op.Why) {
			reasons = append(reasons, op.Why)
		}
	}
	return strings.Join(reasons, "; ")
}

// resourceAccess is what manifests say of one permission.
type resourceAccess struct {
	ID   string `json:"id"`
	Type string `json:"type"`
}

// requiredAccess is what they say of one service.
type requiredAccess struct {
	ResourceAppID  string           `json:"resourceAppId"`
	ResourceAccess []resourceAccess `json:"resourceAccess"`
}

// required gives what is known by its id.
func (r registration) required() []requiredAccess {
	var list []resourceAccess
	for _, g := range r.grants() {
		if id := g.id(); id != "" {
			list = append(list, resourceAccess{id, g.kind()})
		}
	}
	return []requiredAccess{{graphApp, list}}
}

// manifest is the app's, in the form of Microsoft Graph (resource "application").
type manifest struct {
	DisplayName            string           `json:"displayName"`
	SignInAudience         string           `json:"signInAudience"`
	IsFallbackPublicClient bool             `json:"isFallbackPublicClient"`
	Web                    *manifestWeb     `json:"web,omitempty"`
	RequiredResourceAccess []requiredAccess `json:"requiredResourceAccess"`
}

type manifestWeb struct {
	RedirectURIs []string `json:"redirectUris"`
}

func (r registration) manifest() manifest {
	m := manifest{DisplayName: "Causeway", SignInAudience: "AzureADMyOrg", IsFallbackPublicClient: true, RequiredResourceAccess: r.required()}
	if r.redirect != "" {
		m.Web = &manifestWeb{[]string{r.redirect}}
	}
	return m
}

func indented(v any) string {
	text, _ := json.MarshalIndent(v, "", "  ") // strings alone never fail
	return string(text)
}
