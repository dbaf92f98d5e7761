package msteams

import (
	"fmt"
	"strings"
)

// text says how the app is registered, in three ways that lead to the same.
func (r registration) text() string {
	parts := []string{r.permissionText(), r.portalText(), "MANIFEST, in the form of Microsoft Graph\n\n" + indented(r.manifest()) + r.byNameNote(), r.commandText(), r.configText()}
	return strings.Join(parts, "\n\n")
}

func (r registration) permissionText() string {
	var b strings.Builder
	b.WriteString("PERMISSIONS of Microsoft Graph, and no others")
	for _, g := range r.grants() {
		kind := "application"
		if g.delegated {
			kind = "delegated"
		}
		fmt.Fprintf(&b, "\n  %-11s  %-24s %s", kind, g.name, g.why)
	}
	if r.unreachable {
		b.WriteString("\n\nThose for direct and group messages are left out: only connected people have such, and nobody can connect without a public address. Name it with --public-url.")
	}
	return b.String()
}

// portal is where the account's cloud has it.
func (r registration) portal() string {
	if p, other := portals[r.a.cloud.name]; other {
		return p[0]
	}
	return "https://entra.microsoft.com"
}

func (r registration) portalText() string {
	steps := []string{
		"App registrations > New registration: name \"Causeway\", accounts in this directory only.",
		"Authentication > Advanced settings > Allow public client flows: Yes. The relay account signs in by a code.",
	}
	if r.redirect != "" {
		steps = append(steps, "Authentication > Add a platform > Web: the redirect URI is "+r.redirect)
	}
	secret := "Certificates & secrets > New client secret: its value, not its id, is ClientSecret."
	if r.a.settings.ClientCertificateFile != "" {
		secret = "Certificates & secrets > Certificates > Upload: the certificate whose key and text stand in ClientCertificateFile."
	}
	steps = append(steps, secret, "API permissions > Add a permission > Microsoft Graph: those above.", "API permissions > Grant admin consent.")
	var b strings.Builder
	fmt.Fprintf(&b, "IN THE PORTAL, %s", r.portal())
	for i, s := range steps {
		fmt.Fprintf(&b, "\n  %d. %s", i+1, s)
	}
	return b.String()
}

// byName are the permissions whose ids are looked up.
func (r registration) byName() []grant {
	var all []grant
	for _, g := range r.grants() {
		if g.id() == "" {
			all = append(all, g)
		}
	}
	return all
}

func (r registration) byNameNote() string {
	var b strings.Builder
	for _, g := range r.byName() {
		fmt.Fprintf(&b, "\n\n%s is not in it: add it in the portal, or by the commands below, which look its id up.", g.name)
	}
	return b.String()
}

// commandText gives commands for a shell, with Azure's command line.
func (r registration) commandText() string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "\n"+format, args...) }
	b.WriteString("OR BY AZURE'S COMMAND LINE, as an Application Administrator; consent takes a Privileged Role Administrator\n")
	if p, other := portals[r.a.cloud.name]; other {
		line("az cloud set --name %s", p[1])
	}
	line("az login --allow-no-subscriptions")
	line("cat > causeway-permissions.json <<'END'\n%s\nEND", indented(r.required()))
	redirect := ""
	if r.redirect != "" {
		redirect = " --web-redirect-uris '" + strings.ReplaceAll(r.redirect, "'", `'\''`) + "'"
	}
	line("APP=$(az ad app create --display-name Causeway --sign-in-audience AzureADMyOrg --is-fallback-public-client true%s \\\n    --required-resource-accesses @causeway-permissions.json --query appId -o tsv)", redirect)
	for _, g := range r.byName() {
		list := "appRoles"
		if g.delegated {
			list = "oauth2PermissionScopes"
		}
		line(`ID=$(az ad sp show --id %s --query "%s[?value=='%s'].id" -o tsv)`, graphApp, list, g.name)
		line(`az ad app permission add --id "$APP" --api %s --api-permissions "$ID=%s"`, graphApp, g.kind())
	}
	line(`az ad sp create --id "$APP"`)
	line(`az ad app permission admin-consent --id "$APP"`)
	if file := r.a.settings.ClientCertificateFile; file != "" {
		line(`az ad app credential reset --id "$APP" --append --cert @certificate.pem`)
	} else {
		line(`(umask 077; az ad app credential reset --id "$APP" --append --display-name Causeway --years 1 --query password -o tsv > teams.secret)`)
	}
	line(`echo "ClientID $APP, TenantID $(az account show --query tenantId -o tsv)"`)
	return b.String()
}

func (r registration) configText() string {
	s := r.a.settings
	var b strings.Builder
	fmt.Fprintf(&b, "IN THE CONFIG\n\n[%s]\nTenantID = %q\nClientID = %q\n", r.a.env.Account, s.TenantID, s.ClientID)
	if file := s.ClientCertificateFile; file != "" {
		fmt.Fprintf(&b, "ClientCertificateFile = %q\n", file)
	} else {
		b.WriteString("ClientSecretFile = \"teams.secret\"\n")
	}
	if s.Cloud != "" {
		fmt.Fprintf(&b, "Cloud = %q\n", s.Cloud)
	}
	if s.NoFiles {
		b.WriteString("NoFiles = true\n")
	}
	fmt.Fprintf(&b, "\nThen sign the relay account in, and see what is missing:\n\n    causeway login %[1]s\n    causeway setup msteams --test --account %[1]s", r.a.env.Account)
	return b.String()
}
