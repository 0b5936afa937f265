/** The API reference. A token that is entered stays in the page's memory and goes to this origin alone. */
const place = document.getElementById("reference");

window.SwaggerUIBundle({
  url: place.dataset.schema,
  domNode: place,
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: "none",
  defaultModelsExpandDepth: 0,
});
