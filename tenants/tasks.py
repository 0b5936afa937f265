"""Background work about people."""

from celery import shared_task
from django.conf import settings
from django.contrib.auth.tokens import default_token_generator
from django.core.mail import send_mail
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode
from django.utils.translation import gettext as _

from tenants.models import User
from tenants.readers import writing_to
from tenants.selectors import list_memberships_of


@shared_task(name="tenants.mail_password_reset", time_limit=60, soft_time_limit=50)
def mail_password_reset(user_id: int) -> None:
    """Mail a link for a new password. The message names no one when the address was unknown: then nothing is sent."""
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is None or not user.has_usable_password():
        return
    arguments = [urlsafe_base64_encode(force_bytes(user.pk)), default_token_generator.make_token(user)]
    context = {
        "user": user,
        "link": settings.ORIGIN + reverse("reset_open", args=arguments),
        "hours": settings.PASSWORD_RESET_TIMEOUT // 3600,
    }
    membership = list_memberships_of(user).first()
    with writing_to(user, membership and membership.tenant):
        text = render_to_string("mail/tenants/reset.txt", context)
        send_mail(_("A new password for Collimate"), text, None, [user.email])
