/** The build takes the page in as text, with its script inside. */
declare module "*.html" {
  const text: string;
  export default text;
}
