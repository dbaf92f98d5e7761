package teams

import "net/http"

// loginError is how Entra says one of its AADSTS errors at the token endpoint.
type loginError struct {
	status      int
	code        string
	description string
	suberror    string
	claims      bool // a claims challenge comes with it
}

// loginErrors are the errors of the page reference-error-codes that a client should tell apart. Where the page names no
// OAuth error for the number, the one seen in the wild is taken (choice).
var loginErrors = map[int]loginError{
	50057:   {400, "invalid_grant", "The user account is disabled.", "", false},
	50034:   {400, "invalid_grant", "The user account does not exist in the directory.", "", false},
	50105:   {400, "invalid_grant", "The signed in user is not assigned to a role for the application.", "", false},
	53003:   {400, "invalid_grant", "Access has been blocked by Conditional Access policies.", "message_only", false},
	54005:   {400, "invalid_grant", "OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.", "", false},
	500112:  {400, "invalid_grant", "The reply address does not match the reply address provided when requesting the authorization code.", "", false},
	501481:  {400, "invalid_grant", "The Code_Verifier does not match the code_challenge supplied in the authorization request.", "", false},
	50076:   {400, "interaction_required", "Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication.", "basic_action", true},
	50078:   {400, "interaction_required", "Presented multi-factor authentication has expired due to policies configured by your administrator, you must refresh your multi-factor authentication.", "basic_action", true},
	50079:   {400, "interaction_required", "Due to a configuration change made by your administrator, you must enroll in multi-factor authentication.", "basic_action", true},
	50173:   {400, "invalid_grant", "The provided grant has expired due to it being revoked, a fresh auth token is needed.", "bad_token", false},
	65001:   {400, "invalid_grant", "The user or administrator has not consented to use the application.", "consent_required", false},
	70008:   {400, "invalid_grant", "The provided authorization code or refresh token has expired due to inactivity.", "bad_token", false},
	70011:   {400, "invalid_scope", "The provided value for the input parameter 'scope' is not valid.", "", false},
	70043:   {400, "invalid_grant", "The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.", "token_expired", false},
	90033:   {503, "temporarily_unavailable", "A transient error has occurred. Please try again.", "", false},
	700016:  {400, "unauthorized_client", "Application was not found in the directory.", "", false},
	700082:  {400, "invalid_grant", "The refresh token has expired due to inactivity.", "bad_token", false},
	700084:  {400, "invalid_grant", "The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime.", "bad_token", false},
	7000215: {401, "invalid_client", "Invalid client secret provided.", "", false},
	7000222: {401, "invalid_client", "The provided client secret keys are expired.", "", false},
}

// LoginErrors lists the numbers that Fault.AADSTS knows.
func LoginErrors() (numbers []int) {
	for n := range loginErrors {
		numbers = append(numbers, n)
	}
	return numbers
}

// FailLogin makes the next so many requests to the token endpoint fail with an AADSTS error, one of LoginErrors; a
// negative number means all until the function returned is called.
func (s *Sim) FailLogin(aadsts, times int) (remove func()) {
	return s.Inject(Fault{Template: tokenPath, AADSTS: aadsts, Times: times})
}

// fill completes a fault of the login by its AADSTS number.
func (f *Fault) fill() {
	known, ok := loginErrors[f.AADSTS]
	if !ok {
		return
	}
	if f.Status == 0 {
		f.Status = known.status
	}
	if f.Code == "" {
		f.Code = known.code
	}
	if f.Message == "" {
		f.Message = known.description
	}
}

// failedLogin is the answer of the login service where a fault has it fail.
func (s *Sim) failedLogin(p planned) answer {
	number, code := p.fault.AADSTS, p.fault.Code
	if number == 0 {
		number = 90033
	}
	if code == "" {
		code = "temporarily_unavailable"
	}
	refused := oauth(p.status, code, number, p.fault.Message)
	if known, ok := loginErrors[p.fault.AADSTS]; ok {
		refused.suberror = known.suberror
		if known.claims {
			refused.claims = `{"access_token":{"capolids":{"essential":true,"values":["` + newGUID() + `"]}}}`
		}
	}
	a := s.oauthAnswer(nil, refused)
	if p.fault.RetryAfter > 0 {
		a.header.Set("Retry-After", wholeSeconds(p.fault.RetryAfter))
	}
	return a
}

// mustBeProved refuses apps that have shown nothing although they are not public.
func (l *login) mustBeProved() *oauthError {
	if l.confirmed || l.app.public {
		return nil
	}
	return oauth(http.StatusUnauthorized, "invalid_client", 7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
}
