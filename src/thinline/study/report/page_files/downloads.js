/* The tables as files, made here from the data of the page; nothing is fetched. */
for (const link of all("[data-download]")) {
  const table = data.downloads.find((it) => it.file === link.dataset.download);
  link.href = URL.createObjectURL(new Blob([table.csv], { type: "text/csv" }));
}
