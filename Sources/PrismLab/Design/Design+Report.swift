import Foundation
import PrismAtlas
import PrismCore

extension Design {
    /// The answer for people: names and values.
    public var facts: [(name: String, value: String)] {
        var facts = [
            (
                "width needed",
                "\(width) (\(leastWidth) to \(greatestWidth)), \(Claim.text(Double(request.features) / Double(width), 3)) features for each"
            ),
            ("without superposition", "\(dedicatedWidth), a neuron for each feature that is kept"),
            (
                "expected error",
                "\(Claim.text(point.error, 3)) (\(Claim.text(point.low, 3)) to \(Claim.text(point.high, 3)), 90%)"
            ),
            ("active features", "\(Claim.text(activeFeatures, 3)) at a time"),
            (
                "interference",
                "\(Claim.text(interference, 2)) rms on an output whose feature gives up to \(Claim.text(gain, 2)); cosines \(Claim.text(cosine, 2)) rms"
            ),
            ("bias", Claim.text(bias, 2)),
        ]
        for (number, margin) in margins.enumerated() {
            facts.append((number == 0 ? "the error doubles at" : "or at", margin.text))
        }
        if !isSuperposed {
            facts.append(("note", "superposition saves nothing here: features this dense need a neuron each"))
        }
        for limit in unvalidated { facts.append(("not validated", limit)) }
        return facts
    }

    /// What a verification found, in the same form.
    public func facts(_ verification: Verification) -> [(name: String, value: String)] {
        let errors = verification.errors.map { Claim.text($0, 3) }.joined(separator: ", ")
        let margin = zip(verification.errorsAtDensityMargin, verification.errors).map { Claim.text($0 / $1, 3) }
        return [
            (
                "trained error",
                "\(errors): \(Claim.text(verification.ratio, 3)) times the prediction, \(verification.isWithinInterval ? "within" : "outside") its interval"
            ),
            (
                "at p = \(Claim.text(verification.densityMargin, 2))",
                "the trained error grows \(margin.joined(separator: " and ")) times; 2 was predicted"
            ),
        ]
    }

    var chart: ReportSection.Part {
        Chart.lines(
            "Error against width", caption: "with its 90% interval",
            x: .init("hidden dimensions", log: true), y: .init("error", log: true),
            [
                .init(
                    name: "predicted", points: curve.map { (Double($0.width), $0.error) },
                    spread: curve.map { ($0.low, $0.high) }),
                .init(
                    name: "asked for",
                    points: [curve.first!, curve.last!].map { (Double($0.width), request.error) }, isTheory: true),
            ])
    }

    /// `design.json`, the figure's specification and report.html.
    /// - Throws: `PrismError` if a file cannot be written.
    public func writeReport(_ verification: Verification?, to folder: URL) throws {
        try Files.createFolder(folder)
        try Files.writeAtomically(JSONEncoder.prism.encode(self), to: folder.appending(path: "design.json"))
        try Files.writeAtomically(
            JSONEncoder.prism.encode(chart.figureFile!), to: folder.appending(path: "design.vl.json"))
        let rows = (facts + (verification.map(facts) ?? [])).map { [$0.name, $0.value] }
        try Report.write(
            .init(
                title: "\(request.features) features of density \(request.density)",
                subtitle: "for an error of \(request.error)\(request.bits.map { ", weights of \($0) bits" } ?? "")",
                sections: [
                    ReportSection(title: "Answer", parts: [.table(columns: ["", ""], rows: rows), chart])
                ]), to: folder.appending(path: "report.html"))
    }
}
