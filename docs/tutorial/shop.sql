-- The source database of the tutorial: a small shop. It runs on SQL Server as well (sqlcmd -i shop.sql -d Shop).
CREATE TABLE dbo.Customers (
    Id int IDENTITY(1, 1) NOT NULL CONSTRAINT PK_Customers PRIMARY KEY,
    Name nvarchar(100) NOT NULL,
    Email varchar(200) NULL,
    IsActive bit NOT NULL CONSTRAINT DF_Customers_IsActive DEFAULT (1),
    CreatedAt datetime2(3) NOT NULL CONSTRAINT DF_Customers_CreatedAt DEFAULT (sysutcdatetime())
);
CREATE UNIQUE INDEX UX_Customers_Email ON dbo.Customers (Email) WHERE Email IS NOT NULL;

CREATE TABLE dbo.Orders (
    Id int IDENTITY(1, 1) NOT NULL CONSTRAINT PK_Orders PRIMARY KEY,
    CustomerId int NOT NULL CONSTRAINT FK_Orders_Customers REFERENCES dbo.Customers (Id),
    PlacedAt datetime2(0) NOT NULL,
    Total money NOT NULL CONSTRAINT CK_Orders_Total CHECK (Total >= 0),
    Tax AS (Total * 0.19),
    Reference uniqueidentifier NOT NULL CONSTRAINT DF_Orders_Reference DEFAULT (newid())
);
CREATE INDEX IX_Orders_CustomerId ON dbo.Orders (CustomerId) INCLUDE (Total);

CREATE TABLE dbo.Notes (
    Id int NOT NULL CONSTRAINT PK_Notes PRIMARY KEY,
    OrderId int NOT NULL CONSTRAINT FK_Notes_Orders REFERENCES dbo.Orders (Id),
    Author nvarchar(50) NOT NULL CONSTRAINT DF_Notes_Author DEFAULT (suser_sname()),
    Body nvarchar(max) NOT NULL
);
GO
INSERT INTO dbo.Customers (Name, Email)
SELECT CONCAT(N'Customer ', n.Id), CASE WHEN n.Id % 10 = 0 THEN NULL ELSE CONCAT('customer', n.Id, '@example.com') END
FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d AS Id
      FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS a (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS b (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS c (d)) AS n
ORDER BY n.Id;

INSERT INTO dbo.Orders (CustomerId, PlacedAt, Total)
SELECT 1 + n.Id % 1000, DATEADD(minute, n.Id, '2025-01-01'), (n.Id % 977) * 1.25
FROM (SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d AS Id
      FROM (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS a (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS b (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS c (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS e (d)
      CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7), (8), (9)) AS f (d)) AS n
ORDER BY n.Id;

-- Note 3 ends in half of an emoji: a form once cut the text after 20 UTF-16 units.
INSERT INTO dbo.Notes (Id, OrderId, Author, Body) VALUES
    (1, 7, N'anna', N'Deliver to the back door.'),
    (2, 7, N'anna', N'Paid in cash.'),
    (3, 4711, N'omar', N'Thank you very much' + NCHAR(55357)),
    (4, 4712, N'omar', N'Gift wrap, please.');
GO
CREATE VIEW dbo.BigOrders AS
SELECT o.Id, c.Name, o.Total FROM dbo.Orders AS o JOIN dbo.Customers AS c ON c.Id = o.CustomerId WHERE o.Total > 1000;
GO
CREATE PROCEDURE dbo.CloseDay AS
BEGIN
    DELETE FROM dbo.Notes WHERE Body = N'';
END;
GO
