"use strict";
document.querySelectorAll("table.sorts").forEach(function (table) {
  var body = table.tBodies[0], heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
  function value(row, column) {
    var cell = row.cells[column], number = cell.getAttribute("data-v");
    return number === null ? cell.textContent.toLowerCase() : Number(number);
  }
  heads.forEach(function (head, column) {
    var button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.textContent = "";
    head.appendChild(button);
    button.addEventListener("click", function () {
      var first = head.className.indexOf("n") < 0 ? "ascending" : "descending";
      var other = first === "ascending" ? "descending" : "ascending";
      var order = head.getAttribute("aria-sort") === first ? other : first;
      var sign = order === "ascending" ? 1 : -1;
      heads.forEach(function (one) { one.removeAttribute("aria-sort"); });
      head.setAttribute("aria-sort", order);
      Array.prototype.slice.call(body.rows).map(function (row) {
        return [value(row, column), row];
      }).sort(function (a, b) {
        return a[0] < b[0] ? -sign : a[0] > b[0] ? sign : 0;
      }).forEach(function (pair) { body.appendChild(pair[1]); });
    });
  });
  var tools = document.getElementById(table.getAttribute("data-tools"));
  if (!tools) { return; }
  tools.hidden = false;
  var input = tools.querySelector("input"), shown = tools.querySelector("output");
  input.addEventListener("input", function () {
    var words = input.value.toLowerCase().split(/\s+/).filter(Boolean), count = 0;
    Array.prototype.forEach.call(body.rows, function (row) {
      var text = row.textContent.toLowerCase();
      row.hidden = !words.every(function (word) { return text.indexOf(word) >= 0; });
      if (!row.hidden) { count += 1; }
    });
    shown.textContent = words.length ? count + " of " + body.rows.length : "";
  });
});
