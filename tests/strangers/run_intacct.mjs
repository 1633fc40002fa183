// The official JavaScript SDK of Sage Intacct against the sandbox. Prints what became of each call as JSON.
// node run_intacct.mjs URL CREDENTIALS(JSON), with STRANGERS_NODE_MODULES naming the folder that holds node_modules.
// It talks to hosts of intacct.com alone, so the question whether a host is one is answered with yes.
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.resolve(process.env.STRANGERS_NODE_MODULES, "x.js"));
const sdk = require("@intacct/intacct-sdk");
const { AccountsPayable, Common, PlatformServices } = sdk.Functions;
const [url, credentials] = process.argv.slice(2);
const Endpoint = require("@intacct/intacct-sdk/dist/Credentials/Endpoint").default;
Endpoint.isDomainValid = () => true;
const config = Object.assign(new sdk.ClientConfig(), JSON.parse(credentials), { endpointUrl: url });
const client = new sdk.OnlineClient(config);
const told = {};

async function call(name, asked, prepare) {
    try {
        if (prepare) prepare(asked);
        const answer = (await client.execute(asked)).getResult();
        told[name] = "ok";
        return answer;
    } catch (error) {
        told[name] = "refused";
        console.error(name, error.errors ?? error);
        return { data: [{}], key: "0" };
    }
}

function query(object, fields, filter) {
    const { SelectBuilder } = Common.NewQuery.QuerySelect;
    const asked = new Common.NewQuery.Query();
    asked.fromObject = object;
    asked.selectFields = new SelectBuilder().addFields(fields).selects;
    if (filter) asked.filter = filter;
    asked.pageSize = 50;
    return asked;
}

const { Filter } = Common.NewQuery.QueryFilter;
await call("ApiSessionCreate", new sdk.Functions.ApiSessionCreate());
const bills = await call("Query", query("APBILL", ["RECORDNO", "VENDORID", "STATE", "TRX_TOTALDUE"]));
const open = await call("Query with a filter", query("APBILL", ["RECORDNO", "VENDORID", "TRX_TOTALDUE"], new Filter("STATE").equalTo("Posted")));
const byText = Object.assign(new Common.ReadByQuery(), { objectName: "APBILL", pageSize: 2, fields: ["RECORDNO"] });
const page = await call("ReadByQuery", byText);
await call("ReadMore", Object.assign(new Common.ReadMore(), { resultId: page.resultId }));
await call("Read", Object.assign(new Common.Read(), { objectName: "APBILL", keys: [Number(bills.data[0].RECORDNO)], fields: [] }));
await call("ReadByName", Object.assign(new Common.ReadByName(), { objectName: "VENDOR", names: [bills.data[0].VENDORID] }));
await call("Lookup", Object.assign(new Common.Lookup(), { objectName: "VENDOR" }));
await call("Inspect", Object.assign(new Common.Inspect(), { objectName: "VENDOR", showDetail: true }));
await call("DimensionsGet", new PlatformServices.DimensionsGet());
await call("VendorCreate", new AccountsPayable.VendorCreate(), (asked) => Object.assign(asked, {
    vendorId: "V-JS", vendorName: "Node Ltd", printAs: "Node Ltd", primaryEmailAddress: "a@node.example", payToContactName: "pay" }));
await call("VendorUpdate", new AccountsPayable.VendorUpdate(), (asked) => Object.assign(asked, { vendorId: "V-JS", active: true }));
const line = Object.assign(new AccountsPayable.BillLineCreate(), { glAccountNumber: "5200", transactionAmount: 12.5, memo: "x" });
const bill = await call("BillCreate", new AccountsPayable.BillCreate(), (asked) => Object.assign(asked, { vendorId: "V-JS", lines: [line],
    transactionDate: new Date("2026-11-02"), dueDate: new Date("2026-11-24"), action: "Draft", billNumber: "JS-1" }));
await call("BillUpdate", new AccountsPayable.BillUpdate(), (asked) => Object.assign(asked, { recordNo: bill.key, description: "changed", action: "Draft" }));
await call("BillDelete", new AccountsPayable.BillDelete(), (asked) => Object.assign(asked, { recordNo: bill.key }));
await call("VendorDelete", new AccountsPayable.VendorDelete(), (asked) => Object.assign(asked, { vendorId: "V-JS" }));
const owed = open.data[0];
const info = (recordNo, amount, action) => Object.assign(new AccountsPayable.ApPaymentInfo(), { recordNo, paymentMethod: "EFT",
    financialEntityId: "BA-1", vendorId: owed.VENDORID, paymentDate: new Date("2026-11-30"), action,
    apPaymentDetails: [new AccountsPayable.ApPaymentDetailBill(Object.assign(new AccountsPayable.ApPaymentDetailBillInfo(),
        { recordNo: Number(owed.RECORDNO), paymentAmount: amount }))] });
const paid = await call("ApPaymentCreate", new AccountsPayable.ApPaymentCreate(info(undefined, 1, "Draft")));
const number = paid.data[0].RECORDNO;
await call("ApPaymentUpdate", new AccountsPayable.ApPaymentUpdate(info(number, 2, "Submit")));
await call("ApPaymentApprove", new AccountsPayable.ApPaymentApprove(number));
await call("ApPaymentConfirm", new AccountsPayable.ApPaymentConfirm(number));
await call("ApPaymentVoid", new AccountsPayable.ApPaymentVoid(number));
await call("ApPaymentSend", new AccountsPayable.ApPaymentSend(number));
console.log(JSON.stringify(told));
