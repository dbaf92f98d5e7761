package mattermost

import "github.com/mattermost/mattermost/server/public/model"

// LogIn lets a user log in by REST alone, which leaves their presence as it is, and writes into the audits what the real server does.
func (s *Server) LogIn(who string) {
	s.locked(func() {
		u := s.mustUser(who)
		s.audit(u, "/api/v4/users/login", "attempt - login_id="+u.Username)
		s.audit(u, "/api/v4/users/login", "authenticated")
		s.audit(u, "/api/v4/users/login", "success session_user="+u.Id)
	})
}

// Audit writes an entry about a user into the audits.
func (s *Server) Audit(who, action, extra string) {
	s.locked(func() { s.audit(s.mustUser(who), action, extra) })
}

func (s *Server) audit(u *user, action, extra string) {
	s.audits = append(s.audits, &model.Audit{Id: model.NewId(), CreateAt: s.nowMillis(), UserId: u.Id, Action: action, ExtraInfo: extra})
}

// getAudits gives the youngest first.
func (s *Server) getAudits(c *call) (any, *model.AppError) {
	if !s.may(c.user, "read_audits") {
		return nil, forbidden()
	}
	out := make([]*model.Audit, 0, len(s.audits))
	for i := len(s.audits) - 1; i >= 0; i-- {
		out = append(out, s.audits[i])
	}
	page, perPage := c.page()
	return cutPage(out, page, perPage), nil
}
