"""Routes of people: signing in, the account, the practice's members and its trail."""

from django.urls import path

from tenants.views import account, audit, emergency, join, people, practice, reset, second_factor, sign_in

urlpatterns = [
    path("login/", sign_in.login, name="login"),
    path("login/code/", second_factor.login_code, name="login_code"),
    path("login/second-factor/", second_factor.second_factor, name="second_factor"),
    path("logout/", sign_in.logout, name="logout"),
    path("emergency/", emergency.emergency, name="emergency"),
    path("reset/", reset.reset_request, name="reset_request"),
    path("reset/password/", reset.reset_password, name="reset_password"),
    path("reset/<slug:user>/<slug:token>/", reset.reset_open, name="reset_open"),
    path("join/<slug:secret>", join.join, name="join"),
    path("practices/", account.choose_tenant, name="choose_tenant"),
    path("account/", account.account, name="account"),
    path("account/reading/", account.change_reading, name="change_reading"),
    path("account/password/", account.change_password, name="change_password"),
    path("account/recovery-codes/", account.new_recovery_codes, name="new_recovery_codes"),
    path("account/second-factor/", second_factor.replace_second_factor, name="replace_second_factor"),
    path("account/second-factor/begin/", account.begin_replacement, name="begin_replacement"),
    path("t/<slug:slug>/people/", people.people, name="people"),
    path("t/<slug:slug>/people/<int:membership_id>/role/", people.member_role, name="member_role"),
    path("t/<slug:slug>/people/<int:membership_id>/remove/", people.member_remove, name="member_remove"),
    path(
        "t/<slug:slug>/people/invitations/<uuid:invitation_id>/resend/",
        people.invitation_resend,
        name="invitation_resend",
    ),
    path(
        "t/<slug:slug>/people/invitations/<uuid:invitation_id>/revoke/",
        people.invitation_revoke,
        name="invitation_revoke",
    ),
    path("t/<slug:slug>/settings/", practice.settings, name="practice_settings"),
    path("t/<slug:slug>/first-steps/hide/", practice.hide_first_steps, name="hide_first_steps"),
    path("t/<slug:slug>/audit/", audit.audit, name="audit"),
    path("t/<slug:slug>/audit/study/", audit.audit_study, name="audit_study"),
    path("t/<slug:slug>/audit/check/", audit.audit_check, name="audit_check"),
    path("t/<slug:slug>/audit/export.csv", audit.audit_export, name="audit_export"),
]
