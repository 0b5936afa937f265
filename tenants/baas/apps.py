from django.apps import AppConfig


class BaasConfig(AppConfig):
    name = "tenants.baas"
    label = "baas"
