/**
 * What happened and what to do, in the picture's place.
 *
 * @param {{title: string, detail: string}} props
 */
export function TroublePane({ title, detail }) {
  return (
    <div class="aw-trouble" role="alert">
      <div class="aw-trouble-words">
        <p class="aw-trouble-title">{title}</p>
        <p class="aw-trouble-detail">{detail}</p>
      </div>
    </div>
  );
}
